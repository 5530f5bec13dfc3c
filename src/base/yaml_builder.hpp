// yaml-cpp events -> JSON, with everything a hostile document could use against us counted on the way.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/yaml_text.hpp"
#include "fracta/base/yaml.hpp"

namespace fracta {

// Thrown through yaml-cpp's parser by the builder, caught in yaml.cpp; never leaves the two.
struct YamlFailure {
  YamlError error;
};

class YamlBuilder final : public YAML::EventHandler {
 public:
  // References are kept; `document` receives positions and texts only when `track` is set.
  YamlBuilder(const LineTable& lines, const YamlLimits& limits, const ScalarHook& hook, bool track);

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override;
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override;

  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] const YAML::Mark& document_mark() const { return document_mark_; }
  Json take_value() { return std::move(root_); }
  YamlDocument take_document();

 private:
  struct Frame {
    Json value;  // the object or array being filled
    std::string path;
    YAML::anchor_t anchor = 0;
    std::size_t nodes_before = 0;
    bool key_expected = true;  // objects only
    bool merge = false;        // the key just read was `<<`
    std::string key;
    YAML::Mark start;
    YAML::Mark key_mark;
    std::map<std::string, int> own_keys;  // key -> line, for the duplicate check
    std::vector<Json> merges;             // values of `<<`, added when the object is complete
  };
  struct Anchor {
    Json value;
    std::size_t nodes = 0;
    std::size_t bytes = 0;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, std::string message) const;
  void count(const YAML::Mark& mark, std::size_t nodes, std::size_t bytes);
  void open(const YAML::Mark& mark, Json empty, YAML::anchor_t anchor);
  void close(const YAML::Mark& mark);
  void add_scalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& text);
  void add_key(const YAML::Mark& mark, const std::string& tag, const YamlScalar& scalar, bool merge_word,
               const Json& value);
  void add_value(const YAML::Mark& mark, Json value);
  void add_merge(const YAML::Mark& mark, Json value);
  void remember(const YAML::Mark& mark, YAML::anchor_t anchor, const Json& value, std::size_t nodes, std::size_t bytes);
  [[nodiscard]] bool at_key() const;
  [[nodiscard]] std::string next_path() const;
  void note_position(const YAML::Mark& mark, const std::string& path);
  static void apply_merges(Frame& frame);

  const LineTable& lines_;
  const YamlLimits& limits_;
  const ScalarHook& hook_;
  const bool track_;
  bool started_ = false;
  YAML::Mark document_mark_;
  Json root_;
  YamlDocument document_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  std::size_t tracked_bytes_ = 0;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  std::set<YAML::anchor_t> open_anchors_;
  std::vector<std::size_t> bytes_before_;  // parallel to frames_
};

}  // namespace fracta
