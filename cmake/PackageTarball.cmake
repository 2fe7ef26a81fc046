cmake_minimum_required(VERSION 3.25)
# What Install.cmake installs, with the statically linked program instead of those that need libraries.
#   cmake -DBUILD=… -DNAME=lab-0.1.0-linux-x86_64 -DPROGRAM=… -DSTRIP=strip -DREADME=… -P PackageTarball.cmake
set(folder ${BUILD}/packages)
file(REMOVE_RECURSE ${folder}/${NAME})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --component Unspecified --prefix ${folder}/${NAME} OUTPUT_QUIET
                COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${folder}/${NAME}/bin)
file(MAKE_DIRECTORY ${folder}/${NAME}/bin)
execute_process(COMMAND ${STRIP} -o ${folder}/${NAME}/bin/lab ${PROGRAM} COMMAND_ERROR_IS_FATAL ANY)
file(COPY_FILE ${README} ${folder}/${NAME}/README)
execute_process(COMMAND ${CMAKE_COMMAND} -E tar czf ${NAME}.tar.gz ${NAME} WORKING_DIRECTORY ${folder}
                COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE_RECURSE ${folder}/${NAME})
