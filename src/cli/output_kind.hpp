#pragma once

namespace fracta::cli {

enum class Output { kDefault, kWide, kJson, kYaml, kName };

}  // namespace fracta::cli
