# What is installed. The man page and the completions are made of the program's own options, so they cannot miss one.
set(texts ${CMAKE_BINARY_DIR}/texts)
add_custom_command(
  OUTPUT ${texts}/lab.1
  COMMAND ${CMAKE_COMMAND} -DLAB=$<TARGET_FILE:lab> -DFOLDER=${texts}
          -DPAGE=${PROJECT_SOURCE_DIR}/packaging/lab.1.in -P ${PROJECT_SOURCE_DIR}/cmake/InstallTexts.cmake
  DEPENDS lab ${PROJECT_SOURCE_DIR}/packaging/lab.1.in ${PROJECT_SOURCE_DIR}/cmake/InstallTexts.cmake
  VERBATIM)
add_custom_target(texts ALL DEPENDS ${texts}/lab.1)
add_dependencies(programs texts)

install(TARGETS lab RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET lab-io-uring)
  install(TARGETS lab-io-uring RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
set(data ${CMAKE_INSTALL_DATADIR}/lab)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/scenarios/ DESTINATION ${data}/scenarios
        FILES_MATCHING PATTERN "*.toml" PATTERN export EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/results/reference DESTINATION ${data} FILES_MATCHING PATTERN "*.jsonl")
install(FILES ${PROJECT_SOURCE_DIR}/results/claims.toml DESTINATION ${data})
# For C++ servers that `lab diagnose --server` is to look into: #include <lab/inside/loop_watch.hpp>
install(FILES ${PROJECT_SOURCE_DIR}/lab/servers/event_loop/loop_watch.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lab/inside)
install(FILES ${texts}/lab.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${texts}/lab.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME lab)
install(FILES ${texts}/_lab DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${texts}/lab.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
