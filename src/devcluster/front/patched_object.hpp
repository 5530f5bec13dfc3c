// What a patch made of an object may be no object of its kind any more: the 422 a real server answers then.
#pragma once

#include "devcluster/front/context.hpp"

namespace fracta::devcluster {

// `strategic`: the patch was a strategic merge patch, which a real server decodes by other means. The message shows
// the object or the patch, but never data of Secrets.
Outcome<Json> check_patched(Call& call, const Json& object, const Json& patch, bool strategic);

}  // namespace fracta::devcluster
