// A plug-in that finds no device.
#include "runtime/device/plugin.h"
#include "runtime/device/plugin_version.h"

extern "C" const char* pp_plugin_version() {
  return pp::kPluginBuild;
}

extern "C" pp::DevicePlugin* pp_plugin_open(std::string& error) {
  error = "no GPU here\nand more that is cut off";
  return nullptr;
}
