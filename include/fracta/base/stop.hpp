// Waiting that a stop token can end, and back-off with jitter.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

namespace fracta {

// Returns true when the whole time has passed, false as soon as stop was requested.
bool wait_for(const std::stop_token& stop, std::chrono::nanoseconds duration);

// A stop token that fires when either of two does. Keep the object alive as long as its token is used.
class StopEither {
 public:
  StopEither(const std::stop_token& a, const std::stop_token& b);
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  void request_stop() { source_.request_stop(); }

 private:
  struct Forward {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  std::stop_source source_;
  std::stop_callback<Forward> first_;
  std::stop_callback<Forward> second_;
};

// Exponential back-off with full upward jitter, client-go's form: delay * (1 + jitter * random[0,1)).
// Not thread-safe.
class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds initial{800};  // client-go reflector.go
    std::chrono::milliseconds maximum{30'000};
    double factor = 2.0;
    double jitter = 1.0;
  };
  explicit Backoff(Options options);
  std::chrono::milliseconds next();
  void reset() { current_ = options_.initial; }

 private:
  Options options_;
  std::chrono::milliseconds current_;
};

// Uniform in [0, 1). Thread-safe; not for secrets.
double random_fraction();

}  // namespace fracta
