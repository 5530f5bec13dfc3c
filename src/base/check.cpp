#include "fracta/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace fracta {

void check_failed(std::string_view message) {
  std::fprintf(stderr, "fracta: broken invariant (a bug, please report it): %.*s\n", static_cast<int>(message.size()),
               message.data());
  std::abort();
}

}  // namespace fracta
