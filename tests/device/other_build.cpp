// A plug-in that was built for another pp.
extern "C" const char* pp_plugin_version() {
  return "pp 0.0.1 with LibTorch 1.0.0";
}
