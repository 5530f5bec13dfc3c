#include "devcluster/schema/protobuf.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

using Kind = TypeRef::Kind;

constexpr int kMaxDepth = 64;

struct WireField {
  unsigned number = 0;
  unsigned wire = 0;  // 0 varint, 1 fixed64, 2 bytes, 5 fixed32
  std::uint64_t value = 0;
  std::string_view bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool done() const { return rest_.empty() || broken_; }
  [[nodiscard]] bool broken() const { return broken_; }

  std::optional<WireField> next() {
    if (done()) return std::nullopt;
    const std::uint64_t tag = varint();
    WireField field;
    field.number = static_cast<unsigned>(tag >> 3);
    field.wire = static_cast<unsigned>(tag & 7);
    switch (field.wire) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.bytes = take(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.bytes = take(4);
        break;
      default:
        broken_ = true;
    }
    if (broken_) return std::nullopt;
    return field;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    broken_ = true;
    return 0;
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      broken_ = true;
      return {};
    }
    const std::string_view result = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return result;
  }

  std::string_view rest_;
  bool broken_ = false;
};

class Walker {
 public:
  bool broken = false;

  void message(std::string_view bytes, const StructType& type, const std::vector<unsigned>& prefix, Json& object,
               int depth) {
    if (depth > kMaxDepth) broken = true;
    Reader reader(bytes);
    while (!broken) {
      const auto wire = reader.next();
      if (!wire) break;
      std::vector<unsigned> path = prefix;
      path.push_back(wire->number);
      bool nested = false;
      for (const Field& field : type.fields) {
        if (field.protobuf == path) {
          set(object, field, *wire, depth);
          nested = false;
          break;
        }
        nested = nested ||
                 (field.protobuf.size() > path.size() && std::equal(path.begin(), path.end(), field.protobuf.begin()));
      }
      if (nested && wire->wire == 2) message(wire->bytes, type, path, object, depth + 1);
    }
    broken = broken || reader.broken();
  }

 private:
  void set(Json& object, const Field& field, const WireField& wire, int depth) {
    const TypeRef& type = field.type;
    if (type.kind == Kind::kList) {
      Json& list = object[field.name];
      if (!list.is_array()) list = Json::array();
      list.push_back(value(*type.element, wire, depth));
    } else if (type.kind == Kind::kMap) {
      Json& map = object[field.name];
      if (!map.is_object()) map = Json::object();
      entry(map, *type.element, wire.bytes, depth);
    } else {
      object[field.name] = value(type, wire, depth);
    }
  }

  void entry(Json& map, const TypeRef& element, std::string_view bytes, int depth) {
    Reader reader(bytes);
    std::string key;
    Json item;
    while (const auto wire = reader.next()) {
      if (wire->number == 1) key = std::string(wire->bytes);
      if (wire->number == 2) item = value(element, *wire, depth + 1);
    }
    if (item.is_null() && element.kind == Kind::kString) item = "";
    map[key] = std::move(item);
  }

  Json value(const TypeRef& type, const WireField& wire, int depth) {
    switch (type.kind) {
      case Kind::kString:
        return std::string(wire.bytes);
      case Kind::kBytes:
        return base64_encode(wire.bytes);
      case Kind::kInt32:
        return static_cast<std::int64_t>(static_cast<std::int32_t>(wire.value));
      case Kind::kInt64:
        return static_cast<std::int64_t>(wire.value);
      case Kind::kBool:
        return wire.value != 0;
      case Kind::kTime:
      case Kind::kMicroTime:
        return time(wire.bytes, type.kind == Kind::kMicroTime);
      case Kind::kQuantity:
        return text_field(wire.bytes, 1);
      case Kind::kIntOrString:
        return int_or_string(wire.bytes);
      case Kind::kAny:
        return any(wire.bytes);
      case Kind::kList:
        return items(*type.element, wire.bytes, depth);  // a list inside a map has a message of its own
      case Kind::kStruct: {
        Json object = Json::object();
        message(wire.bytes, *type.type, {}, object, depth + 1);
        return object;
      }
      default:
        return {};
    }
  }

  Json items(const TypeRef& element, std::string_view bytes, int depth) {
    Json list = Json::array();
    Reader reader(bytes);
    while (const auto wire = reader.next()) {
      if (wire->number == 1) list.push_back(value(element, *wire, depth + 1));
    }
    return list;
  }

  static Json time(std::string_view bytes, bool micro) {
    Reader reader(bytes);
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    bool any = false;
    while (const auto wire = reader.next()) {
      any = true;
      if (wire->number == 1) seconds = static_cast<std::int64_t>(wire->value);
      if (wire->number == 2) nanos = static_cast<std::int64_t>(wire->value);
    }
    if (!any) return {};                               // the zero time
    constexpr std::int64_t kFarthest = 9'000'000'000;  // what a system_clock in nanoseconds holds
    if (seconds < -kFarthest || seconds > kFarthest) return {};
    const SystemTime point{std::chrono::duration_cast<SystemTime::duration>(std::chrono::seconds(seconds) +
                                                                            std::chrono::nanoseconds(nanos))};
    return micro ? format_rfc3339_micro(point) : format_rfc3339(point);
  }

  static std::string text_field(std::string_view bytes, unsigned number) {
    Reader reader(bytes);
    std::string text;
    while (const auto wire = reader.next()) {
      if (wire->number == number) text = std::string(wire->bytes);
    }
    return text;
  }

  static Json int_or_string(std::string_view bytes) {
    Reader reader(bytes);
    bool is_text = false;
    std::int64_t number = 0;
    std::string text;
    while (const auto wire = reader.next()) {
      if (wire->number == 1) is_text = wire->value == 1;
      if (wire->number == 2) number = static_cast<std::int32_t>(wire->value);
      if (wire->number == 3) text = std::string(wire->bytes);
    }
    return is_text ? Json(text) : Json(number);
  }

  static Json any(std::string_view bytes) {
    auto parsed = parse_json(text_field(bytes, 1));
    return parsed ? std::move(*parsed) : Json();
  }
};

}  // namespace

Result<Json> decode_protobuf(std::string_view bytes, const StructType& type) {
  const Error damaged = make_error(ErrorCode::kInvalid, "provided data does not appear to be a protobuf message");
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!bytes.starts_with(kMagic)) return damaged;
  Reader envelope(bytes.substr(kMagic.size()));
  std::string_view type_meta;
  std::string_view raw;
  while (const auto field = envelope.next()) {
    if (field->number == 1) type_meta = field->bytes;
    if (field->number == 2) raw = field->bytes;
  }
  Json object = Json::object();
  Walker walker;
  walker.message(raw, type, {}, object, 0);
  if (envelope.broken() || walker.broken) return damaged;
  Reader names(type_meta);
  while (const auto field = names.next()) {
    if (field->number == 1) object["apiVersion"] = std::string(field->bytes);
    if (field->number == 2) object["kind"] = std::string(field->bytes);
  }
  return object;
}

}  // namespace fracta::devcluster
