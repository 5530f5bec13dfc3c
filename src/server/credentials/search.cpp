#include "server/credentials/search.hpp"

#include "fracta/base/text.hpp"

namespace fracta::server {
namespace {

using credentials::StoredCredential;

constexpr std::size_t kMaxText = 4096;
constexpr int kMaxDepth = 16;
constexpr int kMaxTerms = 100;

struct Field {
  const char* name;
  std::string StoredCredential::*member;
};
constexpr Field kFields[] = {
    {"id", &StoredCredential::id},
    {"name", &StoredCredential::name},
    {"provider", &StoredCredential::provider},
    {"description", &StoredCredential::description},
    {"url", &StoredCredential::url},
    {"email", &StoredCredential::email},
    {"labels", &StoredCredential::labels},
    {"annotations", &StoredCredential::annotations},
    {"created_at", &StoredCredential::created_at},
    {"updated_at", &StoredCredential::updated_at},
    {"expires_at", &StoredCredential::expires_at},
};

// % any text, _ any one character. Linear but for the restarts after a %, of which only the last counts.
bool like(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '_' || pattern[p] == text[t])) {
      ++t;
      ++p;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<CredentialFilter> parse() {
    auto filter = either(0);
    if (!filter) return filter;
    blanks();
    if (at_ != text_.size()) return wrong("the end, `and` or `or`");
    return filter;
  }

 private:
  [[nodiscard]] Error wrong(const std::string& wanted) const {
    const std::string_view rest = text_.substr(std::min(at_, text_.size()));
    return make_error(ErrorCode::kInvalid, "expected " + wanted + " at position " + std::to_string(at_ + 1) +
                                               (rest.empty() ? " (the end)" : ", found: " + shorten(rest, 20)));
  }
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view symbol) {
    blanks();
    if (!text_.substr(std::min(at_, text_.size())).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }
  std::string_view peek_word() {
    blanks();
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  bool take_word(std::string_view word) {
    if (!iequals(peek_word(), word)) return false;
    at_ += word.size();
    return true;
  }

  Result<CredentialFilter> either(int depth) {
    auto left = both(depth);
    while (left && take_word("or")) {
      auto right = both(depth);
      if (!right) return right;
      left = CredentialFilter([a = *left, b = *right](const StoredCredential& c) { return a(c) || b(c); });
    }
    return left;
  }
  Result<CredentialFilter> both(int depth) {
    auto left = single(depth);
    while (left && take_word("and")) {
      auto right = single(depth);
      if (!right) return right;
      left = CredentialFilter([a = *left, b = *right](const StoredCredential& c) { return a(c) && b(c); });
    }
    return left;
  }
  Result<CredentialFilter> single(int depth) {
    if (depth > kMaxDepth) return make_error(ErrorCode::kInvalid, "nested too deeply");
    if (take_word("not")) {
      auto inner = single(depth + 1);
      if (!inner) return inner;
      return CredentialFilter([a = *inner](const StoredCredential& c) { return !a(c); });
    }
    if (take("(")) {
      auto inner = either(depth + 1);
      if (!inner) return inner;
      if (!take(")")) return wrong("\")\"");
      return inner;
    }
    return comparison();
  }

  Result<CredentialFilter> comparison() {
    if (++terms_ > kMaxTerms) return make_error(ErrorCode::kInvalid, "more than 100 comparisons");
    const std::string_view name = peek_word();
    std::string StoredCredential::*member = nullptr;
    for (const auto& field : kFields)
      if (field.name == name) member = field.member;
    if (member == nullptr) return wrong("a field (" + join(credential_fields(), ", ") + ")");
    at_ += name.size();
    const bool negated = take_word("not");
    if (take_word("in")) return one_of(member, negated);
    if (take_word("like")) return value_test(member, negated, like);
    if (negated) return wrong("`in` or `like`");
    const auto equal = [](std::string_view a, std::string_view b) { return a == b; };
    if (take("!=") || take("<>")) return value_test(member, true, equal);
    if (take("=")) return value_test(member, false, equal);
    return wrong("=, !=, <>, like or in");
  }
  Result<CredentialFilter> value_test(std::string StoredCredential::*member, bool negated,
                                      bool (*test)(std::string_view, std::string_view)) {
    auto value = literal();
    if (!value) return value.error();
    return CredentialFilter([member, negated, test, wanted = *std::move(value)](const StoredCredential& c) {
      return test(c.*member, wanted) != negated;
    });
  }
  Result<CredentialFilter> one_of(std::string StoredCredential::*member, bool negated) {
    if (!take("(")) return wrong("\"(\"");
    std::vector<std::string> values;
    do {
      auto value = literal();
      if (!value) return value.error();
      values.push_back(*std::move(value));
    } while (take(","));
    if (!take(")")) return wrong("\")\"");
    return CredentialFilter([member, negated, values = std::move(values)](const StoredCredential& c) {
      return (std::find(values.begin(), values.end(), c.*member) != values.end()) != negated;
    });
  }
  // 'it''s'
  Result<std::string> literal() {
    if (!take("'")) return wrong("a text in single quotes");
    std::string out;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] != '\'') {
        out += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
        out += '\'';
        ++at_;
      } else {
        ++at_;
        return out;
      }
    }
    return wrong("the closing quote");
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  int terms_ = 0;
};

}  // namespace

const std::vector<std::string>& credential_fields() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& field : kFields) out.emplace_back(field.name);
    return out;
  }();
  return names;
}

const std::string* credential_field(const StoredCredential& credential, std::string_view name) {
  for (const auto& field : kFields)
    if (field.name == name) return &(credential.*field.member);
  return nullptr;
}

Result<CredentialFilter> parse_search(std::string_view text) {
  if (trim(text).empty()) return CredentialFilter([](const StoredCredential&) { return true; });
  if (text.size() > kMaxText) return make_error(ErrorCode::kInvalid, "longer than 4096 bytes");
  return Parser(text).parse();
}

}  // namespace fracta::server
