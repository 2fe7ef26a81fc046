# `deb`: a Debian package in build/…/packages. `tarball`: the statically linked program with its scenarios, for machines
# without root. Both take what Install.cmake installs.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME concurrency-lab)
set(CPACK_PACKAGE_VENDOR "Concurrency Lab")
set(CPACK_PACKAGE_CONTACT "Concurrency Lab <lab@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "experiments that show where an async server's time goes")
set(CPACK_PACKAGE_DESCRIPTION "Starts real servers in several execution models, sends them
real load, records every request, and puts what it measured
beside what theory allows.")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
# All but what has a component of its own, as lab_mpi.so.
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};Unspecified;/")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION education)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)  # the libraries that the program really needs, by the packages they come from
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-fastapi, python3-uvicorn, gunicorn, postgresql, nodejs, librsvg2-bin")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
include(CPack)
add_custom_target(deb COMMAND ${CMAKE_CPACK_COMMAND} -G DEB --config ${CMAKE_BINARY_DIR}/CPackConfig.cmake
                  COMMENT "Packing a .deb" VERBATIM)
add_dependencies(deb programs texts)

set(tarball lab-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
add_custom_target(tarball
  COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -DNAME=${tarball} -DPROGRAM=$<TARGET_FILE:lab-static>
          -DSTRIP=${CMAKE_STRIP} -DREADME=${PROJECT_SOURCE_DIR}/packaging/README.tarball
          -P ${PROJECT_SOURCE_DIR}/cmake/PackageTarball.cmake
  COMMENT "Packing ${tarball}.tar.gz" VERBATIM)
add_dependencies(tarball programs texts lab-static)
