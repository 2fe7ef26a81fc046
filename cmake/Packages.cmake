# A compiler cache only where there is one.
find_program(LAB_CCACHE ccache)
if(LAB_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LAB_CCACHE})
endif()

# Debian 12 ships Boost 1.74 and 1.81; only 1.81 has Boost.JSON's and Asio's parts that the lab uses.
set(CMAKE_FIND_PACKAGE_PREFER_CONFIG TRUE)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL 3 REQUIRED)
# Its flags decide the layout of httplib::Request, so they must come from pkg-config.
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(qrencode REQUIRED IMPORTED_TARGET libqrencode)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(minizip REQUIRED IMPORTED_TARGET minizip)
find_package(Eigen3 3.3 REQUIRED NO_MODULE)
# Only where it is: the servers on io_uring are an executable of their own.
pkg_check_modules(liburing IMPORTED_TARGET liburing)
