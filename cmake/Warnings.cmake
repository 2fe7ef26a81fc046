add_library(lab_warnings INTERFACE)
target_compile_options(lab_warnings INTERFACE -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Wold-style-cast)
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Several sources are one file then, so one's constants are global to the next one's locals, and coroutines hold
  # types of anonymous namespaces of files that are included.
  target_compile_options(lab_warnings INTERFACE -Wshadow=local -Wno-subobject-linkage)
else()
  target_compile_options(lab_warnings INTERFACE -Wshadow)
endif()
# GCC 12 at -O3 warns of overlapping copies inside std::string's operator+ (GCC bug 105651), and at -O1 of what an empty
# std::optional holds (bug 80635); both are false.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(lab_warnings INTERFACE -Wno-restrict $<$<CONFIG:Release>:-Wno-maybe-uninitialized>)
endif()
# Errors with the compiler that the project is kept clean of warnings for; a newer one's new warnings stop nobody.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
  option(LAB_WERROR "Treat warnings as errors" ON)
else()
  option(LAB_WERROR "Treat warnings as errors" OFF)
endif()
if(LAB_WERROR)
  target_compile_options(lab_warnings INTERFACE -Werror)
endif()
