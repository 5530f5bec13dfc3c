// Tolerations of fracta.yaml: upstream's strings and full corev1.Toleration objects.
#pragma once

#include "config/view.hpp"
#include "fracta/base/json_fwd.hpp"

namespace fracta::config {

// An array of corev1.Toleration; problems go to the view's report.
Json decode_tolerations(const View& view);

}  // namespace fracta::config
