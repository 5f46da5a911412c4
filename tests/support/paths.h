#pragma once

#include <filesystem>

// Where the tests find what they read. Known to one source file only, so that
// the compiler cache serves every clone.
namespace pp::test {

std::filesystem::path project_folder();
std::filesystem::path fixture_folder();  // of the build, written by `fixtures`
std::filesystem::path python();          // one with torch

}  // namespace pp::test
