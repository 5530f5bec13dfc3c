# For our own code only; libraries come in as SYSTEM includes.
add_library(fracta_warnings INTERFACE)
target_compile_options(fracta_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wimplicit-fallthrough -Werror
  # g++ 12 reports false positives of these two inside std::string at -O2 (GCC bugs 105329, 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-stringop-overflow -Wno-maybe-uninitialized -Wno-missing-field-initializers>
  $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers>)
if(FRACTA_SANITIZE MATCHES "thread")
  target_compile_options(fracta_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS MATCHES "-O[12]")
  # More false positives of g++ 12 once std::string's functions are inlined (GCC bug 105651).
  target_compile_options(fracta_warnings INTERFACE -Wno-array-bounds -Wno-stringop-overread)
endif()
