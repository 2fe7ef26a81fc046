# `lab-static`: the program for machines without root and without our libraries. It is linked from the same objects as
# `lab`; what Debian has no static library of is replaced by lab/servers/static/. A linker takes from an archive only what is not
# there yet, so of the files that those replace, each an object of its own, it takes none. Not built by default: the
# target `tarball` wants it.
find_library(LAB_JSON_ARCHIVE libboost_json.a)
file(GLOB stand_ins CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lab/servers/static/*.cpp)
add_executable(lab-static EXCLUDE_FROM_ALL main.cpp ${stand_ins})
set(modules lab_program lab_servers lab_scenarios lab_export lab_inside lab_diagnosis lab_findings lab_analysis lab_external lab_client lab_model lab_results
            lab_core)
add_dependencies(lab-static ${modules})
set(archives "")
foreach(module IN LISTS modules)
  list(APPEND archives $<TARGET_FILE:${module}>)
endforeach()
target_include_directories(lab-static PRIVATE ${PROJECT_SOURCE_DIR}
                           $<TARGET_PROPERTY:PkgConfig::libpq,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_options(lab-static PRIVATE $<TARGET_PROPERTY:tomlplusplus::tomlplusplus,INTERFACE_COMPILE_OPTIONS>)
# The libraries by name and not as targets, which are Debian's shared ones.
target_link_libraries(lab-static PRIVATE lab_warnings -static -Wl,--start-group ${archives} ${LAB_JSON_ARCHIVE}
                      sqlite3 ssl crypto minizip z pthread -Wl,--end-group)
set_target_properties(lab-static PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/static/bin OUTPUT_NAME lab
                      UNITY_BUILD OFF)
