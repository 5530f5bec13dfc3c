// What the container gives this process, by the rules of a shell.
#pragma once

#include <string>

namespace fracta::runner::surroundings {

std::string variable(const char* name);  // "" when it is not set

// As a shell decides about $PWD: the environment's word if it names the working directory, else the real path.
std::string working_directory();

// HOME, else the passwd entry's. A container started with a bare uid has neither; agent CLIs need one, so with `make`
// they get a private directory.
std::string home_directory(bool make);

}  // namespace fracta::runner::surroundings
