// The project's own deployment/ folder, as it was when the program was built (cmake/Embed.cmake).
#pragma once

#include <string_view>
#include <vector>

namespace fracta::scaffold {

struct EmbeddedFile {
  std::string_view path;  // below deployment/
  std::string_view content;
};

std::vector<EmbeddedFile> embedded_files();

}  // namespace fracta::scaffold
