# Finds the libraries and headers of the CUDA plug-in; defines `PpCuda::cuda`.
#
# LibTorch's CUDA libraries lie beside libtorch_cpu. The headers of CUDA and
# NCCL come with the wheels' own `nvidia` packages, or from a toolkit: no CUDA
# compiler is needed, since the plug-in has no kernels of its own.

get_filename_component(_lib "${LibTorch_CPU_LIBRARY}" DIRECTORY)
find_library(PpCuda_TORCH_LIBRARY torch_cuda PATHS "${_lib}" NO_DEFAULT_PATH)
find_library(PpCuda_C10_LIBRARY c10_cuda PATHS "${_lib}" NO_DEFAULT_PATH)

file(GLOB _wheels "${_lib}/../../nvidia/cu*/include"
     "${_lib}/../../nvidia/cuda_runtime/include")
set(_toolkits "$ENV{CUDA_HOME}/include" "$ENV{CUDA_PATH}/include"
    /usr/local/cuda/include)
find_path(PpCuda_INCLUDE_DIR cuda_runtime_api.h PATHS ${_wheels} ${_toolkits}
          NO_DEFAULT_PATH)
find_path(PpCuda_BLAS_INCLUDE_DIR cublas_v2.h
          PATHS "${PpCuda_INCLUDE_DIR}" ${_toolkits} NO_DEFAULT_PATH)
find_path(PpCuda_NVTX_INCLUDE_DIR nvtx3/nvToolsExt.h
          PATHS "${PpCuda_INCLUDE_DIR}" ${_toolkits} NO_DEFAULT_PATH)
find_path(PpCuda_NCCL_INCLUDE_DIR nccl.h
          PATHS "${_lib}/../../nvidia/nccl/include" ${_toolkits})
# The runtime that libtorch_cpu itself is linked to.
file(GLOB _cudart "${_lib}/../../nvidia/cu*/lib/libcudart.so.*"
     "${_lib}/../../nvidia/cuda_runtime/lib/libcudart.so.*"
     /usr/local/cuda/lib64/libcudart.so)
if(_cudart AND NOT PpCuda_RUNTIME_LIBRARY)
  list(GET _cudart 0 _first)
  set(PpCuda_RUNTIME_LIBRARY "${_first}" CACHE FILEPATH "The CUDA runtime")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  PpCuda
  REQUIRED_VARS PpCuda_TORCH_LIBRARY PpCuda_C10_LIBRARY PpCuda_RUNTIME_LIBRARY
                PpCuda_INCLUDE_DIR PpCuda_BLAS_INCLUDE_DIR
                PpCuda_NVTX_INCLUDE_DIR PpCuda_NCCL_INCLUDE_DIR
  REASON_FAILURE_MESSAGE
    "a CUDA build of LibTorch, and the headers of CUDA (a toolkit, or the
    wheels' nvidia packages) and of NCCL, are needed for device = \"cuda\"")

if(PpCuda_FOUND AND NOT TARGET PpCuda::cuda)
  add_library(PpCuda::cuda INTERFACE IMPORTED)
  target_include_directories(
    PpCuda::cuda SYSTEM
    INTERFACE "${PpCuda_INCLUDE_DIR}" "${PpCuda_BLAS_INCLUDE_DIR}"
              "${PpCuda_NVTX_INCLUDE_DIR}" "${PpCuda_NCCL_INCLUDE_DIR}")
  target_link_libraries(
    PpCuda::cuda INTERFACE "${PpCuda_TORCH_LIBRARY}" "${PpCuda_C10_LIBRARY}"
                           "${PpCuda_RUNTIME_LIBRARY}" LibTorch::cpu)
endif()
