// Who asks.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace fracta::devcluster {

struct User {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

}  // namespace fracta::devcluster
