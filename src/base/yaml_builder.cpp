#include "base/yaml_builder.hpp"

#include <utility>

#include "base/yaml_scalar.hpp"
#include "fracta/base/text.hpp"

namespace fracta {
namespace {

constexpr std::string_view kMergeTag = "tag:yaml.org,2002:merge";
constexpr std::size_t kMaxKeyBytes = 1024;  // YAML's own limit for keys without `?`
// Scalars may grow by aliases and by ${NAME}; together they stay within a few times the text's own limit.
constexpr std::size_t kGrowth = 4;

// yaml-cpp says "?" for plain and "!" for quoted scalars; neither is a tag in go-yaml's sense.
bool is_plain(const std::string& tag) { return tag.empty() || tag == "?"; }

}  // namespace

YamlBuilder::YamlBuilder(const LineTable& lines, const YamlLimits& limits, const ScalarHook& hook, bool track)
    : lines_(lines), limits_(limits), hook_(hook), track_(track) {}

void YamlBuilder::fail(const YAML::Mark& mark, std::string message) const {
  throw YamlFailure{{lines_.at(mark.line, mark.column), std::move(message)}};
}

void YamlBuilder::count(const YAML::Mark& mark, std::size_t nodes, std::size_t bytes) {
  nodes_ += nodes;
  bytes_ += bytes;
  if (nodes_ > limits_.max_nodes) {
    fail(mark,
         "too many values: more than " + std::to_string(limits_.max_nodes) + ", counting every expansion of an alias");
  }
  if (bytes_ > kGrowth * limits_.max_bytes)
    fail(mark, "the document grows too large when aliases and variables are expanded");
}

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  started_ = true;
  document_mark_ = mark;
}

YamlDocument YamlBuilder::take_document() {
  document_.value = std::make_shared<Json>(std::move(root_));
  return std::move(document_);
}

bool YamlBuilder::at_key() const {
  return !frames_.empty() && frames_.back().value.is_object() && frames_.back().key_expected;
}

std::string YamlBuilder::next_path() const {
  if (!track_ || frames_.empty()) return {};
  const Frame& frame = frames_.back();
  if (frame.value.is_array()) return join_path(frame.path, frame.value.size());
  return join_path(frame.path, frame.key);
}

void YamlBuilder::note_position(const YAML::Mark& mark, const std::string& path) {
  if (!track_) return;
  // A deep path of long keys could make the index far larger than the document; readers fall back to the parent.
  tracked_bytes_ += path.size();
  if (tracked_bytes_ > 8 * limits_.max_bytes) return;
  document_.positions.emplace(path, lines_.at(mark.line, mark.column));
}

void YamlBuilder::remember(const YAML::Mark& mark, YAML::anchor_t anchor, const Json& value, std::size_t nodes,
                           std::size_t bytes) {
  if (anchor == 0) return;
  count(mark, nodes, bytes);  // the kept copy costs as much as the value
  anchors_[anchor] = Anchor{value, nodes, bytes};
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) { add_scalar(mark, "?", anchor, ""); }

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  add_scalar(mark, tag, anchor, value);
}

void YamlBuilder::add_scalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             const std::string& text) {
  const bool plain = is_plain(tag);
  YamlScalar scalar{text, plain, at_key(), lines_.at(mark.line, mark.column), {}};
  if (hook_) {
    scalar.path = scalar.key ? frames_.back().path : next_path();
    hook_(scalar);
  }
  count(mark, 1, scalar.text.size());
  const std::string effective_tag = scalar.plain ? std::string() : plain ? "!" : tag;
  std::string error;
  Json value = resolve_yaml_scalar(effective_tag, scalar.text, error);
  if (!error.empty()) fail(mark, error);
  remember(mark, anchor, value, 1, scalar.text.size());
  if (scalar.key) return add_key(mark, effective_tag, scalar, text == "<<" && (plain || tag == kMergeTag), value);
  if (track_ && scalar.plain && !value.is_string()) document_.plain_texts[next_path()] = scalar.text;
  add_value(mark, std::move(value));
}

void YamlBuilder::add_key(const YAML::Mark& mark, const std::string& tag, const YamlScalar& scalar, bool merge_word,
                          const Json& value) {
  Frame& frame = frames_.back();
  frame.key_expected = false;
  frame.key_mark = mark;
  frame.merge = merge_word;
  if (merge_word) {
    frame.key = "<<";
    return;
  }
  auto key =
      limits_.keys_as_written && tag.empty() && !value.is_null() ? std::optional(scalar.text) : yaml_key_text(value);
  if (!key) fail(mark, "this value cannot be a key; write it in quotes if you mean the text");
  if (key->size() > kMaxKeyBytes) fail(mark, "key longer than " + std::to_string(kMaxKeyBytes) + " bytes");
  const auto [place, fresh] = frame.own_keys.emplace(*key, mark.line + 1);
  if (!fresh && limits_.refuse_duplicate_keys) {
    fail(mark, "key \"" + shorten(*key, 80) + "\" is already set on line " + std::to_string(place->second));
  }
  frame.key = std::move(*key);
}

void YamlBuilder::add_value(const YAML::Mark& mark, Json value) {
  if (frames_.empty()) {
    note_position(mark, "");
    root_ = std::move(value);
    return;
  }
  Frame& frame = frames_.back();
  if (frame.value.is_array()) {
    note_position(mark, next_path());
    frame.value.push_back(std::move(value));
    return;
  }
  frame.key_expected = true;
  if (frame.merge) return add_merge(mark, std::move(value));
  note_position(frame.key_mark, next_path());
  frame.value[frame.key] = std::move(value);
}

void YamlBuilder::add_merge(const YAML::Mark& mark, Json value) {
  Frame& frame = frames_.back();
  frame.merge = false;
  if (value.is_object()) {
    frame.merges.push_back(std::move(value));
    return;
  }
  bool usable = value.is_array();
  if (usable) {
    for (Json& item : value) {
      usable = usable && item.is_object();
      frame.merges.push_back(std::move(item));
    }
  }
  if (!usable) fail(mark, "map merge requires map or sequence of maps as the value");
}

// Own keys win over merged ones, and earlier maps of a list over later ones.
void YamlBuilder::apply_merges(Frame& frame) {
  for (Json& source : frame.merges) {
    for (auto& [key, value] : source.items()) {
      if (!frame.value.contains(key)) frame.value[key] = std::move(value);
    }
  }
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (open_anchors_.count(anchor) != 0) fail(mark, "an anchor's value contains itself");
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) fail(mark, "unknown anchor");
  const Anchor& target = found->second;
  count(mark, target.nodes, target.bytes);
  if (!at_key()) return add_value(mark, target.value);
  if (!target.value.is_string()) fail(mark, "only a text may be used as a key through an alias");
  const YamlScalar scalar{target.value.get<std::string>(), false, true, lines_.at(mark.line, mark.column), {}};
  add_key(mark, "!", scalar, false, target.value);
}

void YamlBuilder::open(const YAML::Mark& mark, Json empty, YAML::anchor_t anchor) {
  if (at_key()) fail(mark, "a list or map cannot be a key");
  if (frames_.size() >= limits_.max_depth) {
    fail(mark, "nested too deeply: more than " + std::to_string(limits_.max_depth) + " levels");
  }
  Frame frame;
  frame.path = next_path();
  frame.nodes_before = nodes_;
  frame.anchor = anchor;
  frame.value = std::move(empty);
  bytes_before_.push_back(bytes_);
  count(mark, 1, 0);
  if (anchor != 0) open_anchors_.insert(anchor);
  frames_.push_back(std::move(frame));
  frames_.back().start = mark;
  if (frames_.size() == 1) note_position(mark, "");
}

void YamlBuilder::close(const YAML::Mark& mark) {
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  const std::size_t bytes = bytes_ - bytes_before_.back();
  bytes_before_.pop_back();
  apply_merges(frame);
  open_anchors_.erase(frame.anchor);
  remember(mark, frame.anchor, frame.value, nodes_ - frame.nodes_before, bytes);
  add_value(mark, std::move(frame.value));
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value /*style*/) {
  open(mark, Json::array(), anchor);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value /*style*/) {
  open(mark, Json::object(), anchor);
}

void YamlBuilder::OnSequenceEnd() { close(frames_.back().start); }

void YamlBuilder::OnMapEnd() { close(frames_.back().start); }

}  // namespace fracta
