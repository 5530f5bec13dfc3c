#include "fracta/base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "fracta/base/json.hpp"
#include "fracta/base/text.hpp"
#include "fracta/base/time.hpp"

namespace fracta::log {

namespace {

// The one piece of process-wide state: where log lines go. Lines are formatted here (spdlog's patterns do not escape),
// spdlog writes them: synchronous, because an asynchronous logger loses its last lines when the process ends.
struct State {
  std::mutex mutex;
  Options options;
  std::shared_ptr<spdlog::logger> logger = make_logger({std::make_shared<spdlog::sinks::stderr_sink_mt>()});

  static std::shared_ptr<spdlog::logger> make_logger(std::vector<spdlog::sink_ptr> sinks) {
    auto logger = std::make_shared<spdlog::logger>("fracta", sinks.begin(), sinks.end());
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    return logger;
  }
};

State& state() {
  static State instance;
  return instance;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "info";
}

std::string json_value(const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return dump_json(Json(std::string(*text)));
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return dump_json(Json(*real));
  return std::get<bool>(value) ? "true" : "false";
}

std::string text_value(const Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr) return json_value(value);
  const bool plain = !text->empty() && std::none_of(text->begin(), text->end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7F;
  });
  return plain ? std::string(*text) : json_value(value);
}

std::string json_line(Level level, std::string_view component, std::string_view message, Fields fields) {
  std::string line = fmt::format(R"({{"ts":"{}","level":"{}","msg":{},"component":"{}")",
                                 format_rfc3339_micro(std::chrono::system_clock::now()), level_name(level),
                                 json_value(Value(message)), component);
  for (const auto& field : fields) line += fmt::format(R"(,"{}":{})", field.key, json_value(field.value));
  return line + "}";
}

std::string text_line(Level level, std::string_view component, std::string_view message, Fields fields) {
  const std::string stamp = format_rfc3339_micro(std::chrono::system_clock::now());
  std::string line =
      fmt::format("{} {:<5} {}: {}", stamp.substr(11, 12), level_name(level), component, shorten(message, 2000));
  for (const auto& field : fields) line += fmt::format(" {}={}", field.key, text_value(field.value));
  return line;
}

}  // namespace

Result<Level> parse_level(std::string_view text) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError})
    if (level_name(level) == text) return level;
  return make_error(ErrorCode::kInvalid,
                    fmt::format("unknown log level \"{}\"; use debug, info, warn or error", shorten(text, 32)));
}

Result<void> configure(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks = {std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  if (!options.file.empty()) {
    try {
      sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file));
    } catch (const spdlog::spdlog_ex& error) {
      return make_error(ErrorCode::kInvalid, fmt::format("logging.file {}: {}", options.file, error.what()));
    }
  }
  auto logger = State::make_logger(std::move(sinks));
  std::lock_guard lock(state().mutex);
  state().options = options;
  state().logger = std::move(logger);
  return {};
}

void write(Level level, std::string_view component, std::string_view message, Fields fields) {
  std::shared_ptr<spdlog::logger> logger;
  Format format{};
  {
    std::lock_guard lock(state().mutex);
    if (level < state().options.level) return;
    logger = state().logger;
    format = state().options.format;
  }
  const std::string line = format == Format::kJson ? json_line(level, component, message, fields)
                                                   : text_line(level, component, message, fields);
  logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace fracta::log
