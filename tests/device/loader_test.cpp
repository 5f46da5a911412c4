#include <fstream>

#include <gtest/gtest.h>

#include "loader/core/error.h"
#include "runtime/device/plugin_loader.h"

namespace pp {
namespace {

std::string refusal(const std::string& file, const std::string& folder) {
  try {
    open_plugin(file, {"/no/such/folder", folder});
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    return error.what();
  }
  return "opened";
}

TEST(PluginLoader, SaysWhereItLooked) {
  EXPECT_EQ(
      refusal("libpp_cuda.so", "/tmp/none"),
      "this build of pp has no libpp_cuda.so (looked in /no/such/folder, "
      "/tmp/none); build pp with -DPP_WITH_CUDA=ON (CMake "
      "then names what is missing), or use device = \"cpu\"");
}

TEST(PluginLoader, RefusesAnotherBuild) {
  const std::string text = refusal("libpp_test_other_build.so", PP_PLUGINS);
  EXPECT_NE(
      text.find("was built for pp 0.0.1 with LibTorch 1.0.0, but this is pp "),
      std::string::npos)
      << text;
}

TEST(PluginLoader, RefusesAnotherLibrary) {
  const std::string text = refusal("libpp_test_no_plugin.so", PP_PLUGINS);
  EXPECT_NE(text.find("is not a plug-in of pp"), std::string::npos) << text;
}

TEST(PluginLoader, PassesOnWhyThereIsNoDevice) {
  EXPECT_EQ(
      refusal("libpp_test_no_device.so", PP_PLUGINS),
      "this host has no usable GPU: no GPU here; use device = "
      "\"cpu\" or another host");
}

TEST(PluginLoader, RefusesAFileThatIsNotALibrary) {
  const std::string folder = testing::TempDir();
  std::ofstream(folder + "/libpp_broken.so") << "not a library";
  const std::string text = refusal("libpp_broken.so", folder);
  EXPECT_EQ(text.find("can't load "), 0) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace pp
