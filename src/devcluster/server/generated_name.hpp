// Random ends of names as a real server makes them (apimachinery's util/rand).
#pragma once

#include <string>
#include <string_view>

namespace fracta::devcluster {

// 5 characters without vowels and look-alikes.
std::string random_suffix();
// Of metadata.generateName: the base is cut so that a label of 63 remains.
std::string generated_name(std::string_view base);

}  // namespace fracta::devcluster
