# cmake --install: what was built, wherever it is moved to.
source "$(dirname "$0")/lib.sh"
build="$(dirname "$PP")"
expect_ok cmake --install "$build" --prefix "$work/there"
expect_ok there/bin/pp --version
mlp_job job.toml
expect_ok there/bin/pp run job.toml --set train.steps=1
mv there elsewhere
expect_ok elsewhere/bin/pp --version

# Only pp was built: the plug-in is absent, as where its target was left out.
script="$build/runtime/cuda/cmake_install.cmake"
if [[ -e "$script" ]]; then
  sed "s|$build/libpp_cuda.so|$work/absent/libpp_cuda.so|g" "$script" >plugin.cmake
  expect_ok cmake "-DCMAKE_INSTALL_PREFIX=$work/plain" -P plugin.cmake
  expect_no_file plain/lib/libpp_cuda.so
fi
