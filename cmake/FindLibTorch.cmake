# Finds LibTorch and defines the target `LibTorch::cpu`.
#
# PP_LIBTORCH names the folder that holds `include/` and `lib/` (a wheel's
# `site-packages/torch` or an unpacked official zip); the default is the wheel in
# the project's `.venv`. LibTorch's own CMake package is not used: it requires a
# CUDA toolkit whenever LibTorch was built with CUDA, and a CPU job needs none.

set(_libtorch_hint "${PP_LIBTORCH}")
if(NOT _libtorch_hint)
  file(GLOB _libtorch_hint
       "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
endif()

find_path(LibTorch_INCLUDE_DIR ATen/ATen.h
          PATHS ${_libtorch_hint} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(LibTorch_CPU_LIBRARY torch_cpu
             PATHS ${_libtorch_hint} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10
             PATHS ${_libtorch_hint} PATH_SUFFIXES lib NO_DEFAULT_PATH)

if(LibTorch_INCLUDE_DIR)
  file(STRINGS "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h" _version
       REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" _version "${_version}")
  list(JOIN _version "." LibTorch_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE
    "run scripts/setup.sh, or pass -DPP_LIBTORCH=<folder with include/ and lib/>")

if(LibTorch_VERSION AND LibTorch_VERSION VERSION_LESS 2.11)
  message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} is too old: 2.11 or newer")
endif()

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  get_filename_component(_lib "${LibTorch_CPU_LIBRARY}" DIRECTORY)
  # A CUDA wheel's libtorch_cpu needs two small CUDA libraries, which live in
  # sibling packages of the wheel.
  file(GLOB _nvidia "${_lib}/../../nvidia/*/lib")
  set(LibTorch_RPATH "${_lib}" ${_nvidia})
  set(_rpath_link "")
  foreach(_dir IN LISTS LibTorch_RPATH)
    list(APPEND _rpath_link "-Wl,-rpath-link,${_dir}")
  endforeach()
  add_library(LibTorch::cpu INTERFACE IMPORTED)
  target_include_directories(
    LibTorch::cpu SYSTEM
    INTERFACE "${LibTorch_INCLUDE_DIR}"
              "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  target_link_libraries(
    LibTorch::cpu INTERFACE "${LibTorch_CPU_LIBRARY}" "${LibTorch_C10_LIBRARY}")
  target_link_options(LibTorch::cpu INTERFACE ${_rpath_link})
  # IValue's accessors, inlined into our code, trigger it wrongly.
  target_compile_options(LibTorch::cpu INTERFACE -Wno-null-dereference)
endif()
