# Flags and the functions that declare the project's targets.

add_library(pp_flags INTERFACE)
target_compile_features(pp_flags INTERFACE cxx_std_20)
target_include_directories(pp_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(
  pp_flags
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
            -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference
            $<$<BOOL:${PP_WERROR}>:-Werror>)
if(PP_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A unity source includes ours, whose types then lie outside its main file.
  target_compile_options(pp_flags INTERFACE -Wno-subobject-linkage)
endif()
if(PP_SANITIZE)
  target_compile_options(pp_flags INTERFACE -fsanitize=${PP_SANITIZE}
                                            -fno-omit-frame-pointer)
  target_link_options(pp_flags INTERFACE -fsanitize=${PP_SANITIZE})
endif()
if(PP_FUZZ)
  # libFuzzer learns which branches an input takes, and stops at undefined behaviour.
  target_compile_options(pp_flags INTERFACE -fsanitize=fuzzer-no-link
                                            -fno-sanitize-recover=undefined)
endif()
if(PP_SANITIZE MATCHES "thread")
  # LibTorch's headers have a fence, which the sanitizer doesn't see.
  target_compile_options(pp_flags INTERFACE -Wno-tsan)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(PP_CCACHE ccache)
if(PP_CCACHE)
  # With paths relative to the source, another clone shares the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}"
      CCACHE_NOHASHDIR=1 "${PP_CCACHE}")
endif()

# pp_library(NAME [SOURCES file...] [DEPENDS target...])
#
# A static library, one per folder; without SOURCES, a library of headers only.
# DEPENDS is the import order: a library that it does not name is not linked.
function(pp_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_SOURCES)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE pp_flags ${ARG_DEPENDS})
    return()
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC pp_flags ${ARG_DEPENDS})
  # Reading LibTorch's headers takes most of the time; the sources of a unit share it.
  set_target_properties(
    ${name}
    PROPERTIES UNITY_BUILD ${PP_UNITY} UNITY_BUILD_BATCH_SIZE ${PP_UNITY_SOURCES}
               UNITY_BUILD_CODE_BEFORE_INCLUDE
               "// NOLINTNEXTLINE(bugprone-suspicious-include)")
endfunction()

# pp_program(NAME SOURCES file... [DEPENDS target...])
#
# An executable that finds LibTorch wherever it is moved.
function(pp_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE pp_flags ${ARG_DEPENDS})
  set_target_properties(
    ${name} PROPERTIES BUILD_RPATH "${LibTorch_RPATH}"
                       INSTALL_RPATH "$ORIGIN/../lib;${LibTorch_RPATH}")
endfunction()

# pp_test(NAME SOURCES file... DEPENDS target... LABELS label... [TIMEOUT s])
#
# A GoogleTest binary; every case becomes one ctest test with the labels. The
# target pp_tests_LABEL builds all binaries of a label.
function(pp_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  pp_program(${name} SOURCES ${ARG_SOURCES} DEPENDS ${ARG_DEPENDS}
             pp_test_support GTest::gtest_main)
  foreach(_label IN LISTS ARG_LABELS)
    if(NOT TARGET pp_tests_${_label})
      add_custom_target(pp_tests_${_label})
    endif()
    add_dependencies(pp_tests_${_label} ${name})
  endforeach()
  # Several ranks keep several cores busy, and some tests watch the clock.
  set(_processors 1)
  if(ARG_LABELS MATCHES "threads|multiproc")
    set(_processors 2)
  endif()
  gtest_discover_tests(
    ${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
               PROCESSORS ${_processors})
endfunction()
