// Text -> object of a kind, as a real API server's JSON decoder does it: types are checked, unknown and repeated fields
// noted, what has no meaning dropped, zero values written or left out field by field, quantities and times in their
// canonical form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include "devcluster/schema/schema.hpp"
#include "fracta/base/json_fwd.hpp"
#include "fracta/base/result.hpp"

namespace fracta::devcluster {

struct Decoded {
  Json object;
  std::vector<std::string> strict_errors;  // `unknown field "spec.x"`, `duplicate field "spec.y"`, in order of the text
};

// kInvalid with the decoder's words: `json: cannot unmarshal string into Go struct field PodSpec.spec.x of type int64`.
Result<Decoded> decode_object(std::string_view text, const StructType& type);

// Adds the zero values that are always written and drops those that never are. For objects changed in-process.
void normalise(Json& object, const StructType& type);

}  // namespace fracta::devcluster
