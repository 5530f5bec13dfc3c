// meta.k8s.io Table answers.
#include "devcluster/table/columns.hpp"

#include "devcluster/front/context.hpp"
#include "devcluster/server/stored_form.hpp"
#include "devcluster/store/packed_owners.hpp"
#include "fracta/base/json.hpp"

namespace fracta::devcluster {

namespace {

Json definitions(const TableLayout& layout) {
  Json result = Json::array();
  for (const Column& column : layout.columns) {
    result.push_back({{"name", column.name},
                      {"type", column.type},
                      {"format", column.format},
                      {"description", ""},
                      {"priority", column.priority}});
  }
  return result;
}

// kubectl get --watch-only and friends mark finished pods by these.
Json row_conditions(const Kind& kind, const Json& object) {
  if (kind.plural != "pods") return {};
  const std::string phase = string_at(object, "status/phase");
  if (phase == "Succeeded") {
    return Json::array({{{"type", "Completed"},
                         {"status", "True"},
                         {"reason", "Succeeded"},
                         {"message", "The pod has completed successfully."}}});
  }
  if (phase == "Failed")
    return Json::array(
        {{{"type", "Completed"}, {"status", "True"}, {"reason", "Failed"}, {"message", "The pod failed."}}});
  return {};
}

}  // namespace

Json table_of(const Call& call, const Kind& kind, const std::vector<RecordPtr>& records, const Json& list_metadata,
              bool with_columns) {
  const TableLayout& layout = table_layout(kind);
  const std::string include = call.parameter("includeObject");
  const SystemTime now = std::chrono::system_clock::now();
  Json rows = Json::array();
  for (const RecordPtr& record : records) {
    Json row = {{"cells", layout.cells(record->object, now)}};
    if (include == "Object") {
      row["object"] = seen_as(kind, record)->object;
      unpack_owners(row["object"]);
    } else {
      row["object"] = include == "None" ? Json() : partial_metadata(call, record->object);
    }
    if (Json conditions = row_conditions(kind, record->object); !conditions.is_null())
      row["conditions"] = std::move(conditions);
    rows.push_back(std::move(row));
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/" + call.form_version},
          {"metadata", list_metadata},
          {"columnDefinitions", with_columns ? definitions(layout) : Json()},
          {"rows", std::move(rows)}};
}

}  // namespace fracta::devcluster
