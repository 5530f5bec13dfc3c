# The one precompiled header of the project (std, fmt, nlohmann::json); every target reuses it.
add_library(fracta_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(fracta_pch PUBLIC fmt::fmt nlohmann_json::nlohmann_json Threads::Threads PRIVATE fracta_warnings)
target_compile_options(fracta_pch PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
target_precompile_headers(fracta_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.hpp)

# fracta_part(NAME USES <parts> LIBS <external targets>): static library fracta_<NAME> from src/<NAME>/**.cpp with the
# public headers include/fracta/<NAME>/. USES is the list of parts it may include; LIBS stay private to it.
function(fracta_part name)
  cmake_parse_arguments(ARG "" "" "USES;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  if(NOT sources)
    add_library(fracta_${name} INTERFACE)
    set(scope INTERFACE)
    set(private INTERFACE)
  else()
    add_library(fracta_${name} STATIC ${sources})
    set(scope PUBLIC)
    set(private PRIVATE)
    target_compile_options(fracta_${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
    target_precompile_headers(fracta_${name} REUSE_FROM fracta_pch)
    target_include_directories(fracta_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  endif()
  target_include_directories(fracta_${name} ${scope} ${CMAKE_SOURCE_DIR}/include ${CMAKE_BINARY_DIR}/generated)
  list(TRANSFORM ARG_USES PREPEND fracta_)
  target_link_libraries(fracta_${name} ${scope} ${ARG_USES} fmt::fmt nlohmann_json::nlohmann_json Threads::Threads
                        ${private} ${ARG_LIBS} fracta_warnings)
endfunction()
