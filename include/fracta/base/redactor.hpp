// Blacks out secrets in text on its way to people: values that are known, in the forms they may take, and what has the
// shape of a token. Best effort against accidents; it cannot stop a program that wants to give its secret away.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fracta {

inline constexpr std::string_view kRedacted = "[REDACTED]";

// Immutable after construction, thread-safe. One pass over the text, whatever the number of values.
class Redactor {
 public:
  static constexpr std::size_t kShortestValue = 8;  // shorter ones would black out ordinary words
  static constexpr std::size_t kLongestPiece = 4096;

  // `values`: each is looked for as it is, line by line when it has several, as base64 (also inside a larger text that
  // was encoded), percent-encoded and as a JSON string. The longest match wins.
  explicit Redactor(const std::vector<std::string>& values = {});

  [[nodiscard]] std::string redact(std::string_view text) const;

  // The stages of redact(), for RedactingStream.
  struct Position {
    std::size_t consumed = 0;
    bool in_token = false;  // the last match reached the end of the text: what follows may still be of it
    bool in_key = false;    // between BEGIN and END of a private key
    int key_lines = 0;
  };
  // Appends the redacted text to `out`. Unless `last`, the end is left over where a match could still grow.
  Position scan(std::string_view text, const Position& before, bool last, std::string& out) const;

 private:
  void add(std::string_view value);
  void add_forms(std::string_view value);
  void add_base64(std::string_view value);
  std::size_t scan_line(std::string_view line, bool last, Position& now, std::string& out) const;
  static std::size_t match_key(std::string_view line, std::size_t at, Position& now);
  static bool scan_key_line(std::string_view line, Position& now, std::string& out);
  [[nodiscard]] std::size_t match_value(std::string_view rest) const;  // its length, or 0

  std::vector<std::string> patterns_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_head_;  // first 8 bytes; longest first
  std::bitset<256> first_;                                                 // first byte of any pattern
  std::bitset<1u << 16> heads_;                                            // of two bytes: nearly always says no
};

// A Redactor over text that comes in pieces: a value cut in two by a border is found. Holds back at most an unfinished
// line, and of that at most kMaxHeld bytes. Not thread-safe.
class RedactingStream {
 public:
  static constexpr std::size_t kMaxHeld = 64u << 10;
  explicit RedactingStream(std::shared_ptr<const Redactor> redactor) : redactor_(std::move(redactor)) {}
  // From the next piece on. What is held back is looked at with the new one.
  void use(std::shared_ptr<const Redactor> redactor) { redactor_ = std::move(redactor); }
  [[nodiscard]] std::string feed(std::string_view bytes);
  [[nodiscard]] std::string finish();

 private:
  std::shared_ptr<const Redactor> redactor_;
  std::string held_;
  Redactor::Position state_;
};

}  // namespace fracta
