# storm_add_topology(word-count word_count.cc …): a topology is an executable that links
# storm::topology. The same function serves inside this repository and after find_package(Storm).
function(storm_add_topology name)
    add_executable(${name} ${ARGN})
    target_link_libraries(${name} PRIVATE storm::topology)
    # GCC optimizes all of Storm's code again at each link, which takes a minute, if it finds the code
    # for that in the libraries. It does so only for those who ask for it.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CXX_FLAGS MATCHES "-flto")
        target_link_options(${name} PRIVATE
            $<$<NOT:$<BOOL:$<TARGET_PROPERTY:INTERPROCEDURAL_OPTIMIZATION>>>:-fno-lto>)
    endif()
endfunction()
