# fracta_embed(TARGET DIRECTORY): every file below DIRECTORY becomes part of TARGET, as fracta::scaffold::embedded_files().
# The same file is the script that writes the C++ (cmake -P), so that a changed template is embedded at the next build.
if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*)
  list(SORT files)
  set(code "// Written by cmake/Embed.cmake from ${ROOT}.\n#include \"scaffold/embedded.hpp\"\n\n")
  string(APPEND code "namespace fracta::scaffold {\n\nstd::vector<EmbeddedFile> embedded_files() {\n")
  string(APPEND code "  using namespace std::string_view_literals;\n  return {\n")
  foreach(file IN LISTS files)
    # As hexadecimal: no quoting, line-ending or list-separator rule of CMake or C++ touches the bytes.
    file(READ ${ROOT}/${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
    string(APPEND code "      {\"${file}\", \"${bytes}\"sv},\n")
  endforeach()
  string(APPEND code "  };\n}\n\n}  // namespace fracta::scaffold\n")
  file(WRITE ${OUTPUT} "${code}")
  return()
endif()

function(fracta_embed target directory)
  set(output ${CMAKE_BINARY_DIR}/generated/embedded_files.cpp)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${directory}/*)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DROOT=${directory} -DOUTPUT=${output} -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    COMMENT "Embedding ${directory}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
