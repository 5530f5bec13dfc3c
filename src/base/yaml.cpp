#include "fracta/base/yaml.hpp"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "base/yaml_builder.hpp"
#include "base/yaml_text.hpp"
#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"

namespace fracta {
namespace {

// yaml-cpp takes an unclosed quote for a text that runs to the end of the file. An end-of-document marker inside a
// quoted text is an error to it, so with one added behind the last line it notices.
std::string with_end_marker(std::string_view text) {
  std::string result(text);
  if (!result.empty() && result.back() != '\n') result += '\n';
  result += "...\n";
  return result;
}

std::string explain(const std::string& message) {
  if (message == YAML::ErrorMsg::BAD_FILE) return "nested too deeply";
  if (message == "illegal document indicator in scalar") return "a quote that was opened is never closed";
  return message;
}

// Hands every document to `use(builder)` until it returns false.
template <class Use>
std::optional<YamlError> each_document(std::string_view text, const YamlLimits& limits, const ScalarHook& hook,
                                       bool track, const Use& use) {
  if (text.size() > limits.max_bytes) {
    return YamlError{{1, 1}, "larger than " + std::to_string(limits.max_bytes) + " bytes"};
  }
  if (auto bad = find_bad_character(text)) return bad;
  const LineTable lines(text);
  try {
    std::istringstream stream(with_end_marker(text));
    YAML::Parser parser(stream);
    for (bool first = true;; first = false) {
      YamlBuilder builder(lines, limits, hook, track);
      if (!parser.HandleNextDocument(builder) || !builder.started()) return std::nullopt;
      const YAML::Mark& mark = builder.document_mark();
      if (!first && !(mark.column == 0 && lines.is_document_start(mark.line))) {
        return YamlError{lines.at(mark.line, mark.column), "text after the end of the document"};
      }
      if (!use(builder)) return std::nullopt;
    }
  } catch (const YamlFailure& failure) {
    return failure.error;
  } catch (const YAML::Exception& e) {
    return YamlError{lines.at(e.mark.line, e.mark.column), explain(e.msg)};
  } catch (const std::exception& e) {
    return YamlError{{1, 1}, e.what()};
  }
}

Error to_error(const YamlError& error) {
  return make_error(ErrorCode::kInvalid, std::to_string(error.position.line) + ":" +
                                             std::to_string(error.position.column) + ": " + error.message);
}

std::variant<YamlDocument, YamlError> parse_one(std::string_view text, const YamlLimits& limits, const ScalarHook& hook,
                                                bool track) {
  YamlDocument document;
  document.value = std::make_shared<Json>();
  std::optional<YamlError> second;
  bool seen = false;
  auto error = each_document(text, limits, hook, track, [&](YamlBuilder& builder) {
    if (seen) {
      second = YamlError{{builder.document_mark().line + 1, 1}, "a second document; only one is allowed here"};
      return false;
    }
    seen = true;
    document = builder.take_document();
    return true;
  });
  if (error) return *error;
  if (second) return *second;
  return document;
}

}  // namespace

std::variant<YamlDocument, YamlError> parse_yaml_document(std::string_view text, const YamlLimits& limits,
                                                          const ScalarHook& hook) {
  return parse_one(text, limits, hook, true);
}

Result<Json> parse_yaml(std::string_view text, const YamlLimits& limits) {
  // Kubernetes' readers take JSON as it is; yaml-cpp does not know all of it ("\/", surrogate pairs).
  if (text.size() <= limits.max_bytes && trim(text).substr(0, 1) == "{") {
    auto json = parse_json(text, {limits.max_depth, limits.refuse_duplicate_keys});
    if (json) return json;
  }
  auto parsed = parse_one(text, limits, {}, false);
  if (const auto* error = std::get_if<YamlError>(&parsed)) return to_error(*error);
  return std::move(*std::get<YamlDocument>(parsed).value);
}

Result<std::vector<Json>> parse_yaml_stream(std::string_view text, const YamlLimits& limits) {
  std::vector<Json> documents;
  const auto error = each_document(text, limits, {}, false, [&](YamlBuilder& builder) {
    documents.push_back(builder.take_value());
    return true;
  });
  if (error) return to_error(*error);
  return documents;
}

}  // namespace fracta
