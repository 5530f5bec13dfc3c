// The reference of fracta.yaml, made from the same table the loader uses.
#pragma once

#include <string>

namespace fracta::config {

// The text of docs/configuration.md.
std::string reference_markdown();

}  // namespace fracta::config
