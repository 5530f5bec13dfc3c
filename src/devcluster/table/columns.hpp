// The columns `kubectl get` shows, kind by kind.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "devcluster/schema/kinds.hpp"
#include "fracta/base/clock.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::devcluster {

struct Column {
  const char* name;
  const char* type = "string";
  const char* format = "";
  int priority = 0;  // 1: only with -o wide
};

struct TableLayout {
  std::vector<Column> columns;
  std::function<Json(const Json& object, SystemTime now)> cells;  // an array
};

// Kinds without a layout of their own get name and creation time.
const TableLayout& table_layout(const Kind& kind);

// Shared by the files of this folder.
std::string age(const Json& object, SystemTime now);                           // of metadata.creationTimestamp
std::string since(const Json& object, std::string_view path, SystemTime now);  // "<unknown>" when missing
std::string or_none(std::string text);
Json pod_cells(const Json& pod, SystemTime now);
Json event_cells(const Json& event, SystemTime now);
// Names and images of a pod spec's containers, comma separated.
std::string container_names(const Json& pod_spec);
std::string container_images(const Json& pod_spec);
// metav1.FormatLabelSelector
std::string selector_text(const Json* selector);

}  // namespace fracta::devcluster
