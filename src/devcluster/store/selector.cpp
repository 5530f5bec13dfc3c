#include "devcluster/store/selector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/kube_names.hpp"
#include "fracta/base/text.hpp"

namespace fracta::devcluster {

namespace {

// Tokens: words, and the symbols ( ) , ! = == != < >.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  constexpr std::string_view kSymbols = "(),!=<>";
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      ++i;
    } else if ((c == '=' || c == '!') && i + 1 < text.size() && text[i + 1] == '=') {
      tokens.emplace_back(text.substr(i, 2));
      i += 2;
    } else if (kSymbols.find(c) != std::string_view::npos) {
      tokens.emplace_back(1, c);
      ++i;
    } else {
      std::size_t end = i;
      while (end < text.size() && kSymbols.find(text[end]) == std::string_view::npos && text[end] != ' ') ++end;
      tokens.emplace_back(text.substr(i, end - i));
      i = end;
    }
  }
  return tokens;
}

bool is_symbol(const std::string& token) {
  return token.size() <= 2 && !token.empty() && std::string_view("(),!=<>").find(token[0]) != std::string_view::npos;
}

Error plain(std::string text) { return make_error(ErrorCode::kInvalid, std::move(text)); }

Error unparsable(std::string_view what) {
  return make_error(ErrorCode::kInvalid, fmt::format("unable to parse requirement: {}", what));
}

class Cursor {
 public:
  explicit Cursor(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}
  [[nodiscard]] bool end() const { return at_ >= tokens_.size(); }
  [[nodiscard]] std::string peek() const { return end() ? "" : tokens_[at_]; }
  std::string next() { return end() ? "" : tokens_[at_++]; }

 private:
  std::vector<std::string> tokens_;
  std::size_t at_ = 0;
};

Result<std::set<std::string, std::less<>>> value_set(Cursor& cursor) {
  if (const std::string open = cursor.next(); open != "(")
    return unparsable(fmt::format("found '{}' expected: '('", open));
  std::set<std::string, std::less<>> values;
  for (;;) {
    const std::string token = cursor.next();
    if (token == ")") return values;
    if (token == ",") {
      values.insert("");
      continue;
    }
    if (token.empty() || is_symbol(token))
      return unparsable(fmt::format("found '{}', expected: ',', ')' or identifier", token));
    values.insert(token);
    const std::string after = cursor.next();
    if (after == ")") return values;
    if (after != ",") return unparsable(fmt::format("found '{}', expected: ',' or ')'", after));
  }
}

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  using Operator = Requirement::Operator;
  LabelSelector selector;
  Cursor cursor(tokens_of(text));
  while (!cursor.end()) {
    Requirement requirement;
    const bool negated = cursor.peek() == "!";
    if (negated) cursor.next();
    requirement.key = cursor.next();
    if (requirement.key.empty() || is_symbol(requirement.key)) {
      if (!negated && !selector.requirements_.empty())
        return plain(fmt::format("found '{}', expected: identifier after ','", requirement.key));
      if (!negated)
        return plain(fmt::format("found '{}', expected: !, identifier, or 'end of string'", requirement.key));
      return unparsable(fmt::format("found '{}', expected: identifier", requirement.key));
    }
    if (const auto problems = qualified_name_errors(requirement.key); !problems.empty()) {
      return unparsable(fmt::format("<nil>: Invalid value: \"{}\": {}", requirement.key, join(problems, "; ")));
    }
    const std::string word = cursor.peek();
    if (negated || word.empty() || word == ",") {
      requirement.op = negated ? Operator::kNotExists : Operator::kExists;
    } else if (word == "in" || word == "notin") {
      cursor.next();
      auto values = value_set(cursor);
      if (!values) return values.error();
      requirement.op = word == "in" ? Operator::kIn : Operator::kNotIn;
      requirement.values = std::move(*values);
    } else if (word == "=" || word == "==" || word == "!=" || word == "<" || word == ">") {
      cursor.next();
      std::string value;
      if (!cursor.end() && cursor.peek() != ",") value = cursor.next();
      if (is_symbol(value)) return unparsable(fmt::format("found '{}', expected: identifier", value));
      requirement.op = word == "!="  ? Operator::kNotIn
                       : word == "<" ? Operator::kLess
                       : word == ">" ? Operator::kGreater
                                     : Operator::kIn;
      requirement.values = {value};
    } else {
      return unparsable(fmt::format("found '{}', expected: in, notin, =, ==, !=, gt, lt", word));
    }
    std::size_t index = 0;
    for (const std::string& value : requirement.values) {
      if (const auto problems = label_value_errors(value); !problems.empty()) {
        return unparsable(fmt::format("values[{}][{}]: Invalid value: \"{}\": {}", index, requirement.key, value,
                                      join(problems, "; ")));
      }
      ++index;
    }
    selector.requirements_.push_back(std::move(requirement));
    if (cursor.end()) break;
    if (const std::string comma = cursor.next(); comma != ",") {
      return plain(fmt::format("found '{}', expected: ',' or 'end of string'", comma));
    }
    if (cursor.end()) return plain("found '', expected: identifier after ','");
  }
  return selector;
}

Result<LabelSelector> LabelSelector::from_object(const Json& object) {
  using Operator = Requirement::Operator;
  LabelSelector selector;
  if (const Json* labels = find(object, "matchLabels"); labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      selector.requirements_.push_back({key, Operator::kIn, {value.is_string() ? value.get<std::string>() : ""}});
    }
  }
  if (const Json* expressions = find(object, "matchExpressions"); expressions != nullptr && expressions->is_array()) {
    for (const Json& expression : *expressions) {
      Requirement requirement;
      requirement.key = string_at(expression, "key");
      const std::string op = string_at(expression, "operator");
      if (op == "In")
        requirement.op = Operator::kIn;
      else if (op == "NotIn")
        requirement.op = Operator::kNotIn;
      else if (op == "Exists")
        requirement.op = Operator::kExists;
      else if (op == "DoesNotExist")
        requirement.op = Operator::kNotExists;
      else
        return make_error(ErrorCode::kInvalid, fmt::format("\"{}\" is not a valid label selector operator", op));
      if (const Json* values = find(expression, "values"); values != nullptr && values->is_array()) {
        for (const Json& value : *values) {
          if (value.is_string()) requirement.values.insert(value.get<std::string>());
        }
      }
      selector.requirements_.push_back(std::move(requirement));
    }
  }
  return selector;
}

bool LabelSelector::matches(const Json& labels) const {
  using Operator = Requirement::Operator;
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& requirement) {
    const Json* value = find(labels, requirement.key);
    const bool present = value != nullptr && value->is_string();
    const std::string text = present ? value->get<std::string>() : "";
    switch (requirement.op) {
      case Operator::kIn:
        return present && requirement.values.contains(text);
      case Operator::kNotIn:
        return !present || !requirement.values.contains(text);
      case Operator::kExists:
        return present;
      case Operator::kNotExists:
        return !present;
      case Operator::kGreater:
      case Operator::kLess: {
        const auto left = parse_int(text);
        const auto right = parse_int(*requirement.values.begin());
        if (!present || !left || !right) return false;
        return requirement.op == Operator::kGreater ? *left > *right : *left < *right;
      }
    }
    return false;
  });
}

namespace {

// The terms between commas; a backslash keeps the character after it.
std::vector<std::string> field_terms(std::string_view text) {
  std::vector<std::string> terms(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      terms.emplace_back();
      continue;
    }
    terms.back() += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) terms.back() += text[++i];
  }
  return terms;
}

std::string unescaped(const std::string& value) {
  std::string result;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    result += value[i];
  }
  return result;
}

}  // namespace

Result<std::vector<FieldRequirement>> parse_field_selector(std::string_view text) {
  std::vector<FieldRequirement> result;
  if (text.empty()) return result;
  for (const std::string& term : field_terms(text)) {
    if (term.empty()) continue;
    FieldRequirement requirement;
    if (const auto unequal = term.find("!="); unequal != std::string::npos) {
      requirement = {term.substr(0, unequal), term.substr(unequal + 2), false};
    } else if (const auto equal = term.find('='); equal != std::string::npos) {
      const std::size_t skip = term.compare(equal, 2, "==") == 0 ? 2 : 1;
      requirement = {term.substr(0, equal), term.substr(equal + skip), true};
    } else {
      return make_error(ErrorCode::kInvalid, fmt::format("invalid selector: '{}'; can't understand '{}'", text, term));
    }
    requirement.value = unescaped(requirement.value);
    result.push_back(std::move(requirement));
  }
  return result;
}

}  // namespace fracta::devcluster
