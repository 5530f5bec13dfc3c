# Versions and target names as Debian 12 packages them (shared/reference/libraries.md §2 has the traps).
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

option(FRACTA_TESTS "Build the tests" ON)
option(FRACTA_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(FRACTA_SANITIZE "" CACHE STRING "Comma-separated list for -fsanitize=, e.g. address,undefined or thread")

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(spdlog 1.10 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
# No CMake config is shipped; the .pc file also carries the three macros without which the split library has another ABI.
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
if(FRACTA_TESTS)
  find_package(GTest 1.12 REQUIRED)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # The precompiled header is what makes a file cost 1-2 s instead of 8-20 s; these settings let ccache work with it
  # and share results between build folders of the same flags.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

if(FRACTA_SANITIZE)
  add_compile_options(-fsanitize=${FRACTA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FRACTA_SANITIZE})
endif()
