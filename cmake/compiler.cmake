# Warnings, sanitizers and the build accelerators every target shares.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(clew_options INTERFACE)
target_compile_options(clew_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
target_include_directories(clew_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(clew_options INTERFACE CLEW_VERSION="${PROJECT_VERSION}")

if(CLEW_SANITIZE)
  add_compile_options(-fsanitize=${CLEW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CLEW_SANITIZE})
endif()
if(CLEW_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# clew_library(NAME SOURCES ... LINK ...): a static library of this project.
function(clew_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC clew_options ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
endfunction()

# clew_test(NAME SOURCES ... LINK ...): a GoogleTest program, registered with ctest case by case.
function(clew_test name)
  if(NOT CLEW_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE clew_options ${ARG_LINK} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()

# clew_fuzz(NAME SOURCES ... LINK ...): a libFuzzer target, built with -DCLEW_FUZZ=ON.
function(clew_fuzz name)
  if(NOT CLEW_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE clew_options ${ARG_LINK})
endfunction()
