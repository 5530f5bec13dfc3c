#include "devcluster/schema/decode.hpp"
#include "devcluster/schema/json_error.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <limits>
#include <optional>
#include <set>

#include "fracta/base/quantity.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::devcluster {

namespace {

using Kind = TypeRef::Kind;

constexpr std::size_t kMaxDepth = 128;

// The type's name in error texts.
std::string go_name(const TypeRef& type) {
  switch (type.kind) {
    case Kind::kString:
      return type.alias.empty() ? "string" : "v1." + type.alias;
    case Kind::kBytes:
      return "[]uint8";
    case Kind::kTime:
    case Kind::kMicroTime:
      return "string";
    case Kind::kInt32:
      return "int32";
    case Kind::kInt64:
      return "int64";
    case Kind::kFloat:
      return "float64";
    case Kind::kBool:
      return "bool";
    case Kind::kQuantity:
    case Kind::kIntOrString:
      return "int32";
    case Kind::kAny:
      return "interface {}";
    case Kind::kStruct:
      return "v1." + type.type->name;
    case Kind::kList:
      return "[]" + go_name(*type.element);
    case Kind::kMap:
      return "map[string]" + go_name(*type.element);
  }
  return "";
}

std::optional<Json> canonical_time(const std::string& text, bool micro) {
  const auto time = parse_rfc3339(text);
  if (!time) return std::nullopt;
  return Json(micro ? format_rfc3339_micro(*time) : format_rfc3339(*time));
}

// A MicroTime has six digits behind the point, no more and no less.
bool has_micros(const std::string& text) {
  if (text.size() < 27 || text[19] != '.') return false;
  return std::all_of(text.begin() + 20, text.begin() + 26, [](char c) { return c >= '0' && c <= '9'; });
}

// Builds the object while the text is read, so that errors come in the order of the text, which is the order in which a
// real server reports them.
class Decoder {
 public:
  explicit Decoder(const StructType& type) : root_{.kind = Kind::kStruct, .type = &type} {}

  // nlohmann's SAX interface.
  bool null() {
    if (skipping()) return true;
    if (!frames_.empty() && frames_.back().type->kind != Kind::kStruct) put(zero(target()));
    if (!frames_.empty() && target().kind == Kind::kAny) put(Json());
    return done();
  }
  bool boolean(bool value) { return scalar(Json(value), "bool", ""); }
  bool number_integer(std::int64_t value) { return scalar(Json(value), "number", std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return scalar(Json(static_cast<double>(value)), "number", std::to_string(value));
    }
    return scalar(Json(static_cast<std::int64_t>(value)), "number", std::to_string(value));
  }
  bool number_float(double value, const std::string& text) { return scalar(Json(value), "number", text); }
  bool string(std::string& value) { return scalar(Json(std::move(value)), "string", ""); }
  bool binary(std::vector<std::uint8_t>&) { return false; }

  bool start_object(std::size_t) { return open(Json::object(), "object"); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array(), "array"); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    if (skip_depth_ > 0) return true;
    Frame& frame = frames_.back();
    frame.key = name;
    if (frame.type->kind == Kind::kStruct) {
      frame.field = frame.type->type->find(name);
      if (frame.field == nullptr) {
        strict("unknown field", name);
        skip_next_ = true;
        return true;
      }
    }
    if (frame.type->kind != Kind::kAny && !frame.seen.insert(name).second) strict("duplicate field", name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    syntax_ = fmt::format("invalid character at byte {}", position);
    return false;
  }

  Json result;
  std::string error;  // the first type error; decoding goes on after one, as in Go
  std::string syntax_;
  std::vector<std::string> strict_errors;

 private:
  struct Frame {
    const TypeRef* type;
    Json value;
    const Field* field = nullptr;  // kStruct: of the value that follows
    std::string key;
    std::set<std::string, std::less<>> seen;
    bool typed = true;
  };

  // The type the next value should have.
  [[nodiscard]] const TypeRef& target() const {
    if (frames_.empty()) return root_;
    const Frame& frame = frames_.back();
    if (frame.type->kind == Kind::kStruct) return frame.field->type;
    if (frame.type->kind == Kind::kAny) return *frame.type;
    return *frame.type->element;
  }

  [[nodiscard]] bool skipping() {
    if (skip_depth_ > 0) return true;
    if (skip_next_) {
      skip_next_ = false;
      return true;
    }
    return false;
  }
  static bool done() { return true; }

  static Json zero(const TypeRef& type) {
    switch (type.kind) {
      case Kind::kString:
        return "";
      case Kind::kInt32:
      case Kind::kInt64:
        return 0;
      case Kind::kBool:
        return false;
      case Kind::kStruct:
        return Json::object();
      case Kind::kQuantity:
        return "0";
      default:
        return Json();
    }
  }

  void put(Json value) {
    if (frames_.empty()) {
      result = std::move(value);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value.is_array()) {
      frame.value.push_back(std::move(value));
    } else {
      frame.value[frame.key] = std::move(value);
    }
  }

  [[nodiscard]] std::string path(std::string_view last) const {
    std::string text;
    for (std::size_t i = 0; i + 1 < frames_.size(); ++i) append_step(text, frames_[i]);
    if (!text.empty()) text += '.';
    return text + std::string(last);
  }
  static void append_step(std::string& text, const Frame& frame) {
    if (frame.value.is_array()) {
      text += '[' + std::to_string(frame.value.size()) + ']';
    } else {
      if (!text.empty()) text += '.';
      text += frame.key;
    }
  }
  void strict(std::string_view what, std::string_view name) {
    if (strict_errors.size() < 100) strict_errors.push_back(fmt::format("{} \"{}\"", what, path(name)));
  }

  void mismatch(std::string_view value, const TypeRef& type) {
    if (!error.empty()) return;
    std::string names;
    const StructType* owner = nullptr;
    for (const Frame& frame : frames_) {
      if (frame.type->kind != Kind::kStruct) continue;
      owner = frame.type->type;
      if (!names.empty()) names += '.';
      names += frame.key;
    }
    error = owner == nullptr ? fmt::format("json: cannot unmarshal {} into Go value of type {}", value, go_name(type))
                             : fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}", value,
                                           owner->name, names, go_name(type));
  }
  void fail(std::string text) {
    if (error.empty()) error = std::move(text);
  }

  bool open(Json empty, std::string_view word) {
    if (skip_depth_ > 0 || skip_next_) {
      skip_next_ = false;
      ++skip_depth_;
      return true;
    }
    if (frames_.size() > kMaxDepth) {
      syntax_ = "exceeded max depth";
      return false;
    }
    const TypeRef& type = target();
    const bool list = empty.is_array();
    const bool fits = type.kind == Kind::kAny ||
                      (list ? type.kind == Kind::kList : type.kind == Kind::kMap || type.kind == Kind::kStruct);
    if (!fits) {
      mismatch(word, type);
      ++skip_depth_;
      return true;
    }
    frames_.push_back({&type, std::move(empty), nullptr, "", {}, true});
    return true;
  }

  bool close() {
    if (skip_depth_ > 0) {
      --skip_depth_;
      return true;
    }
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    put(std::move(frame.value));
    return true;
  }

  bool scalar(Json value, std::string_view word, const std::string& number) {
    if (skipping()) return true;
    const TypeRef& type = target();
    if (auto converted = convert(std::move(value), type, word, number)) put(std::move(*converted));
    return true;
  }

  std::optional<Json> convert(Json value, const TypeRef& type, std::string_view word, const std::string& number) {
    const bool text = value.is_string();
    switch (type.kind) {
      case Kind::kAny:
        return value;
      case Kind::kString:
        if (text) return value;
        break;
      case Kind::kBool:
        if (value.is_boolean()) return value;
        break;
      case Kind::kFloat:
        if (value.is_number()) return value;
        break;
      case Kind::kInt32:
      case Kind::kInt64:
        return integer(value, type, word, number);
      case Kind::kIntOrString:
        if (text) return value;
        return integer(value, type, word, number);
      case Kind::kBytes:
        return bytes(value, type, word);
      case Kind::kTime:
      case Kind::kMicroTime:
        return time(value, type, word);
      case Kind::kQuantity:
        return quantity(value, type, word, number);
      default:
        break;
    }
    mismatch(word, type);
    return std::nullopt;
  }

  std::optional<Json> integer(const Json& value, const TypeRef& type, std::string_view word,
                              const std::string& number) {
    if (value.is_number_integer()) {
      const auto whole = value.get<std::int64_t>();
      if (type.kind == Kind::kInt64 ||
          (whole >= std::numeric_limits<std::int32_t>::min() && whole <= std::numeric_limits<std::int32_t>::max())) {
        return value;
      }
    }
    mismatch(value.is_number() ? "number " + number : std::string(word), type);
    return std::nullopt;
  }

  std::optional<Json> bytes(const Json& value, const TypeRef& type, std::string_view word) {
    if (!value.is_string()) {
      mismatch(word, type);
      return std::nullopt;
    }
    const auto& text = value.get_ref<const std::string&>();
    std::string compact;
    for (const char c : text) {
      if (c != '\n' && c != '\r') compact += c;
    }
    if (!base64_decode(compact)) {
      const auto bad = compact.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
      fail(
          fmt::format("illegal base64 data at input byte {}", bad == std::string::npos ? compact.size() / 4 * 4 : bad));
      return std::nullopt;
    }
    return Json(compact);
  }

  std::optional<Json> time(const Json& value, const TypeRef& type, std::string_view word) {
    if (!value.is_string()) {
      mismatch(word, type);
      return std::nullopt;
    }
    const auto& text = value.get_ref<const std::string&>();
    const bool micro = type.kind == Kind::kMicroTime;
    auto result_time = canonical_time(text, micro);
    if (result_time && micro && !has_micros(text)) {
      fail(
          fmt::format("parsing time \"{0}\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"{1}\" as "
                      "\".000000\"",
                      text, text.substr(std::min<std::size_t>(19, text.size()))));
      return std::nullopt;
    }
    if (!result_time) {
      fail(fmt::format("parsing time \"{0}\" as \"{1}\": cannot parse \"{0}\" as \"2006\"", text,
                       micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00"));
    }
    return result_time;
  }

  std::optional<Json> quantity(const Json& value, const TypeRef& type, std::string_view word,
                               const std::string& number) {
    if (!value.is_string() && !value.is_number()) {
      mismatch(word, type);
      return std::nullopt;
    }
    const auto parsed = Quantity::parse(value.is_string() ? value.get_ref<const std::string&>() : number);
    if (!parsed) {
      fail(parsed.error().message);
      return std::nullopt;
    }
    return Json(parsed->canonical());
  }

  const TypeRef root_;
  std::vector<Frame> frames_;
  std::size_t skip_depth_ = 0;
  bool skip_next_ = false;
};

bool is_zero(const Json& value, Kind kind) {
  switch (kind) {
    case Kind::kString:
    case Kind::kBytes:
      return value.is_string() && value.get_ref<const std::string&>().empty();
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kFloat:
      return value.is_number() && value == 0;
    case Kind::kBool:
      return value == false;
    case Kind::kList:
    case Kind::kMap:
      return value.empty();
    default:
      return false;
  }
}

Json zero_value(const TypeRef& type) {
  switch (type.kind) {
    case Kind::kString:
      return "";
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kFloat:
    case Kind::kIntOrString:
      return 0;
    case Kind::kBool:
      return false;
    case Kind::kQuantity:
      return "0";
    case Kind::kStruct:
      return Json::object();
    default:
      return Json();  // lists, maps and times: null
  }
}

// An empty list of managedFields asks for a reset and must not look like none; one empty entry asks the same.
void keep_reset(Json& object) {
  if (!object.is_object() || !object.contains("metadata") || !object["metadata"].is_object()) return;
  const auto list = object["metadata"].find("managedFields");
  if (list != object["metadata"].end() && list->is_array() && list->empty()) list->push_back(Json::object());
}

void normalise_value(Json& value, const TypeRef& type) {
  if (type.kind == Kind::kStruct && value.is_object()) {
    normalise(value, *type.type);
  } else if (type.kind == Kind::kList || type.kind == Kind::kMap) {
    if (value.is_array() || value.is_object()) {
      for (Json& item : value) normalise_value(item, *type.element);
    }
  }
}

}  // namespace

void normalise(Json& object, const StructType& type) {
  for (const Field& field : type.fields) {
    auto found = object.find(field.name);
    if (found != object.end() && found->is_null()) {
      object.erase(found);
      found = object.end();
    }
    if (found != object.end() && !field.pointer && field.omit_empty && is_zero(*found, field.type.kind)) {
      object.erase(found);
      continue;
    }
    if (found == object.end()) {
      // A struct or a time by value is written even with "omitempty": Go has no empty struct.
      const bool by_value =
          field.type.kind == Kind::kStruct || field.type.kind == Kind::kTime || field.type.kind == Kind::kMicroTime;
      if (field.pointer ? field.omit_empty : field.omit_empty && !by_value) continue;
      object[field.name] = field.pointer ? Json() : zero_value(field.type);
      found = object.find(field.name);
    }
    normalise_value(*found, field.type);
  }
}

Result<Decoded> decode_object(std::string_view text, const StructType& type) {
  Decoder decoder(type);
  const bool complete = Json::sax_parse(text.begin(), text.end(), &decoder);
  if (!decoder.syntax_.empty()) {
    const std::string why = json_syntax_error(text);
    return make_error(ErrorCode::kInvalid, why.empty() ? decoder.syntax_ : why);
  }
  if (!complete) return make_error(ErrorCode::kInvalid, "unexpected end of JSON input");
  if (!decoder.error.empty()) return make_error(ErrorCode::kInvalid, decoder.error);
  if (decoder.result.is_null()) decoder.result = Json::object();  // `null` is an empty object
  if (!decoder.result.is_object()) return make_error(ErrorCode::kInvalid, "json: cannot unmarshal into an object");
  keep_reset(decoder.result);
  normalise(decoder.result, type);
  return Decoded{std::move(decoder.result), std::move(decoder.strict_errors)};
}

}  // namespace fracta::devcluster
