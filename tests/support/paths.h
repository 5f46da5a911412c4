#pragma once

#include <filesystem>

// Folders of the files that tests read. Only one source file contains the
// paths, so that the compiler cache serves every clone.
namespace pp::test {

std::filesystem::path project_folder();
std::filesystem::path fixture_folder();  // of the build, written by `fixtures`
std::filesystem::path python();          // one with torch

}  // namespace pp::test
