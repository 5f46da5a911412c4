#include "runtime/device/plugin_loader.h"

#include <system_error>

#include <dlfcn.h>

#include "loader/core/error.h"
#include "loader/core/first_line.h"
#include "loader/core/text.h"
#include "runtime/device/plugin_version.h"

namespace pp {

namespace {

template <class Function>
Function symbol(
    void* library, const char* name, const std::filesystem::path& path) {
  void* found = dlsym(library, name);
  if (found == nullptr) {
    throw runtime_error(
        path.string() + " is not a plug-in of pp: it does not export '" + name +
        "'");
  }
  return reinterpret_cast<Function>(found);
}

std::filesystem::path find_plugin(
    const std::string& file,
    const std::vector<std::filesystem::path>& folders) {
  std::vector<std::string> searched;
  for (const std::filesystem::path& folder : folders) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / file, ignored)) {
      return folder / file;
    }
    searched.push_back(folder.string());
  }
  throw runtime_error(
      "this build of pp has no " + file + " (looked in " + join(searched) +
      "); build pp with -DPP_WITH_CUDA=ON (CMake then names what is "
      "missing), or use device = \"cpu\"");
}

}  // namespace

std::shared_ptr<DevicePlugin> open_plugin(
    const std::string& file,
    const std::vector<std::filesystem::path>& folders) {
  const std::filesystem::path path = find_plugin(file, folders);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw runtime_error("can't load " + first_line(dlerror()));
  }
  const std::string version =
      symbol<PluginVersion>(library, kPluginVersionSymbol, path)();
  if (version != kPluginBuild) {
    throw runtime_error(
        path.string() + " was built for " + version + ", but this is " +
        kPluginBuild + "; build both together");
  }
  std::string error;
  DevicePlugin* plugin =
      symbol<PluginOpen>(library, kPluginOpenSymbol, path)(error);
  if (plugin == nullptr) {
    throw runtime_error(
        "this host has no usable GPU: " + first_line(error) +
        "; use device = \"cpu\" or another host");
  }
  return std::shared_ptr<DevicePlugin>(plugin);
}

std::vector<std::filesystem::path> plugin_folders() {
  const std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return {program, (program / "../lib").lexically_normal()};
}

std::shared_ptr<DevicePlugin> open_cuda_plugin() {
  return open_plugin("libpp_cuda.so", plugin_folders());
}

}  // namespace pp
