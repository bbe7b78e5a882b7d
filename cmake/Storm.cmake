# How every target of this project is made: one language level, one set of warnings, one include
# root. A room calls storm_library(), its tests storm_test() and storm_fuzzer().

include(GNUInstallDirs)
include(${CMAKE_CURRENT_LIST_DIR}/StormTopology.cmake)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(STORM_CCACHE ccache)
mark_as_advanced(STORM_CCACHE)
if(STORM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${STORM_CCACHE})
endif()

# Archives keep ordinary code beside what LTO needs, so that any build can link the installed ones.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(CMAKE_CXX_COMPILE_OPTIONS_IPO -flto=auto -ffat-lto-objects)
endif()

# These hold for this directory tree, and not for the users of an installed Storm.
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
    -Wold-style-cast -Woverloaded-virtual -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond>
    $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op>
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
    $<$<BOOL:${STORM_WERROR}>:-Werror>
    -fno-omit-frame-pointer)
add_compile_definitions(
    STORM_VERSION="${PROJECT_VERSION}"
    $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" OR NOT STORM_ARCH MATCHES "^x86")
    add_compile_options(-march=${STORM_ARCH})
endif()
set(shipped $<CONFIG:Release,RelWithDebInfo>)
if(STORM_HARDEN AND NOT STORM_SANITIZE)  # Sanitizers have ways of their own.
    add_compile_options($<${shipped}:-Werror=format-security> $<${shipped}:-fPIE>)
    add_link_options($<${shipped}:-pie>
        $<${shipped}:LINKER:-z,relro,-z,now,-z,noexecstack,-z,separate-code,--as-needed>)
endif()

# For the rest of a CMakeLists.txt: what also has its price. It is for what strangers talk to; the data
# path would be slower by a fifth (docs/decisions/0010-isolation.md), and runs the user's code anyway.
macro(storm_harden_fully)
    if(STORM_HARDEN AND NOT STORM_SANITIZE)
        add_compile_definitions($<${shipped}:_GLIBCXX_ASSERTIONS>)
        add_compile_options(
            $<${shipped}:-U_FORTIFY_SOURCE>
            $<${shipped}:-D_FORTIFY_SOURCE=3>
            $<${shipped}:-fstack-protector-strong>
            $<${shipped}:-fstack-clash-protection>
            $<${shipped}:-ftrivial-auto-var-init=zero>)
    endif()
endmacro()

if(STORM_SANITIZE)
    # What a sanitizer adds to the code makes gcc 12 see uninitialized values where there are none.
    add_compile_options(-fsanitize=${STORM_SANITIZE} -fno-sanitize-recover=all
        $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    add_link_options(-fsanitize=${STORM_SANITIZE})
endif()
if(STORM_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# `cmake --build … --target storm_headers`: does every header compile on its own?
add_custom_target(storm_headers)

# storm_library(worker SOURCES … HEADERS … DEPS storm::base …): the target storm::worker.
# Without SOURCES it is a header-only library. Headers are found from the repository's root, or
# from INCLUDE_DIR where public headers live apart (topology-api: INCLUDE_DIR include).
function(storm_library name)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "INCLUDE_DIR" "SOURCES;HEADERS;DEPS")
    set(library storm_${name})
    if(ARG_SOURCES)
        add_library(${library} STATIC ${ARG_SOURCES} ${ARG_HEADERS})
        target_include_directories(${library} PRIVATE ${PROJECT_SOURCE_DIR})
        target_compile_options(${library} PRIVATE
            $<$<CXX_COMPILER_ID:Clang>:-Wglobal-constructors>)
        set(scope PUBLIC)
    else()
        add_library(${library} INTERFACE)
        set(scope INTERFACE)
    endif()
    add_library(storm::${name} ALIAS ${library})
    target_link_libraries(${library} ${scope} ${ARG_DEPS})
    target_compile_features(${library} ${scope} cxx_std_20)

    set(include_dir ${PROJECT_SOURCE_DIR})
    if(ARG_INCLUDE_DIR)
        set(include_dir ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_INCLUDE_DIR})
        target_include_directories(${library} ${scope}
            $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        install(DIRECTORY ${include_dir}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    endif()
    target_include_directories(${library} ${scope} $<BUILD_INTERFACE:${include_dir}>)
    storm_check_headers_(${library} ${ARG_HEADERS})
endfunction()

# storm_schema(storm_wire frame.capnp …): what Cap'n Proto's compiler makes of schemas in this folder,
# compiled into the library and included as "wire/frame.capnp.h". They may import each other. Not by
# find_package(CapnProto): Debian's looks for libatomic in a way that fails in a C++ project.
function(storm_schema library)
    set(generated)
    set(schemas)
    foreach(schema IN LISTS ARGN)
        list(APPEND schemas ${CMAKE_CURRENT_SOURCE_DIR}/${schema})
        list(APPEND generated ${CMAKE_CURRENT_BINARY_DIR}/${schema}.h
            ${CMAKE_CURRENT_BINARY_DIR}/${schema}.c++)
    endforeach()
    add_custom_command(OUTPUT ${generated}
        COMMAND ${STORM_CAPNP} compile -oc++:${PROJECT_BINARY_DIR}
            --src-prefix=${PROJECT_SOURCE_DIR} ${schemas}
        DEPENDS ${schemas} VERBATIM)
    # Apart from the library, for its warnings are not ours.
    add_library(${library}_schema OBJECT ${generated})
    if(NOT TARGET storm_schemas)
        add_custom_target(storm_schemas)  # All of them, for clang-tidy.
    endif()
    add_dependencies(storm_schemas ${library}_schema)
    target_compile_options(${library}_schema PRIVATE -w)
    target_include_directories(${library}_schema SYSTEM PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}>)
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:${library}_schema>)
    foreach(user IN ITEMS ${library} ${library}_headers)
        if(TARGET ${user})
            add_dependencies(${user} ${library}_schema)
            target_include_directories(${user} SYSTEM PRIVATE ${PROJECT_BINARY_DIR})
        endif()
    endforeach()
    target_link_libraries(${library} PUBLIC capnp kj)
endfunction()

# storm_quiet_asio(transport.cc …): about Asio's own code, g++ 12 suspects it once it is inlined, and
# tsan does not know fences.
function(storm_quiet_asio)
    set(quiet -Wno-null-dereference)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND STORM_SANITIZE MATCHES "thread")
        list(APPEND quiet -Wno-tsan)
    endif()
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "${quiet}")
endfunction()

# One source file for each header, which includes that header and nothing else.
function(storm_check_headers_ library)
    set(sources)
    foreach(header IN LISTS ARGN)
        set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cc)
        file(CONFIGURE OUTPUT ${source}
            CONTENT "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${header}\"\n")
        list(APPEND sources ${source})
    endforeach()
    if(sources)
        add_library(${library}_headers OBJECT EXCLUDE_FROM_ALL ${sources})
        target_link_libraries(${library}_headers PRIVATE ${library})
        target_compile_options(${library}_headers PRIVATE -fsyntax-only)
        add_dependencies(storm_headers ${library}_headers)
    endif()
endfunction()

# storm_test(worker/acker/ack_ledger DEPS storm::worker [LABELS threads …]): the test in
# tests/worker/acker/ack_ledger_test.cc. Labels, and the seconds that each may take:
#   unit (default)  no thread, port, sleep or file      10
#   threads         starts threads; tsan's business     60
#   e2e             starts processes; runs alone       120
#   soak            runs on for a while; runs alone    300
#   full            added to one of these: is left to tools/test.sh --full
function(storm_test path)
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "DEPS;LABELS")
    if(NOT ARG_LABELS)
        set(ARG_LABELS unit)
    endif()
    string(REPLACE "/" "_" target ${path}_test)
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/${path}_test.cc)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${target} PRIVATE
        STORM_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
        STORM_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests
        INTERPROCEDURAL_OPTIMIZATION OFF)  # There are many, and nobody measures them.
    add_test(NAME ${path} COMMAND ${target})

    set(timeout 10)
    set(alone OFF)
    foreach(limit IN ITEMS threads=60 e2e=120 soak=300 full=1800)
        string(REPLACE "=" ";" limit ${limit})
        list(POP_FRONT limit label)
        if(label IN_LIST ARG_LABELS)
            set(timeout ${limit})
        endif()
    endforeach()
    if("e2e" IN_LIST ARG_LABELS OR "soak" IN_LIST ARG_LABELS)
        set(alone ON)
    endif()
    if(STORM_SANITIZE)
        math(EXPR timeout "5 * ${timeout}")
    endif()
    set_tests_properties(${path} PROPERTIES
        LABELS "${ARG_LABELS}" TIMEOUT ${timeout} RUN_SERIAL ${alone})
endfunction()

# storm_fuzzer(row DEPS storm::wire): LLVMFuzzerTestOneInput() in tests/fuzz/row_fuzz.cc, with seeds
# in tests/fuzz/row/ if there are any. As a test it looks for one minute; nothing without STORM_FUZZ.
function(storm_fuzzer name)
    if(NOT STORM_FUZZ)
        return()
    endif()
    cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "DEPS")
    set(target ${name}_fuzz)
    set(found ${PROJECT_BINARY_DIR}/tests/fuzz/${name})
    set(seeds ${PROJECT_SOURCE_DIR}/tests/fuzz/${name})
    file(MAKE_DIRECTORY ${found})
    if(NOT IS_DIRECTORY ${seeds})
        set(seeds)
    endif()
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cc)
    if(NOT TARGET storm_fuzzers)
        add_custom_target(storm_fuzzers)  # All of them.
    endif()
    add_dependencies(storm_fuzzers ${target})
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE ${ARG_DEPS})
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME fuzz/${name}
        COMMAND ${target} -max_total_time=60 -timeout=10 -artifact_prefix=${found}- ${found} ${seeds})
    set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

# storm_install(storm_topology): installs it and every library of ours that it needs, for
# find_package(Storm).
function(storm_install library)
    set(queue ${library})
    set(libraries)
    while(queue)
        list(POP_FRONT queue next)
        string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" next "${next}")
        if(NOT TARGET ${next})
            continue()
        endif()
        get_target_property(aliased ${next} ALIASED_TARGET)
        if(aliased)
            set(next ${aliased})
        endif()
        if(NOT next MATCHES "^storm_" OR next IN_LIST libraries)
            continue()
        endif()
        list(APPEND libraries ${next})
        string(REGEX REPLACE "^storm_" "" export_name ${next})
        set_target_properties(${next} PROPERTIES EXPORT_NAME ${export_name})
        get_target_property(needed ${next} INTERFACE_LINK_LIBRARIES)
        if(needed)
            list(APPEND queue ${needed})
        endif()
    endwhile()
    install(TARGETS ${libraries} EXPORT storm-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

    include(CMakePackageConfigHelpers)
    set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Storm)
    install(EXPORT storm-targets NAMESPACE storm:: DESTINATION ${package_dir})
    configure_file(${PROJECT_SOURCE_DIR}/cmake/StormConfig.cmake.in StormConfig.cmake @ONLY)
    write_basic_package_version_file(StormConfigVersion.cmake COMPATIBILITY SameMinorVersion)
    install(FILES
        ${CMAKE_CURRENT_BINARY_DIR}/StormConfig.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/StormConfigVersion.cmake
        ${PROJECT_SOURCE_DIR}/cmake/StormTopology.cmake
        DESTINATION ${package_dir})
endfunction()

# storm_install_for_people(): pages, examples, and a cluster on one machine (share/storm/tools/cluster.sh).
function(storm_install_for_people)
    set(pages ${CMAKE_INSTALL_DATADIR}/doc/storm)
    install(FILES README.md CHANGELOG.md CONTRIBUTING.md LICENSE SECURITY.md DESTINATION ${pages})
    install(DIRECTORY docs examples DESTINATION ${pages})
    install(FILES bench/README.md DESTINATION ${pages}/bench)  # The README leads there.
    install(PROGRAMS tools/cluster.sh tools/zookeeper.sh
        DESTINATION ${CMAKE_INSTALL_DATADIR}/storm/tools)
endfunction()
