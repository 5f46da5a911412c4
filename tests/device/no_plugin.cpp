// A library, but not a plug-in.
extern "C" int something_else() {
  return 1;
}
