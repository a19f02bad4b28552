"""Reaching out of the sandbox: network, files, processes, the system. What succeeds prints REACHED, which fails the test.

The course directory, its gradebook and another student's name are not told; the attacks search. Where there are no
walls (the process is not the first of a pid namespace) none of them starts, so that a fault in the walls shows as a
failed test and not as a machine without files.
"""

from textwrap import dedent, indent

from tests.classroom.corpus.submission import Submission, first

HELP = """
import glob, os, pathlib, signal, socket, subprocess, sys, time
def reached(*what):
    print("REACH" + "ED", *what)
def attempt(action):
    try:
        action()
    except BaseException as error:
        print(type(error).__name__)
"""


def reach(student: str, code: str, **options) -> Submission:
    """An attack: its lines run in a function whose errors end only the attack."""
    body = indent(f"if os.getpid() != 1:\n    return reached('the outside')\n{dedent(code).strip()}", "    ")
    return first(student, f"{HELP}\ndef attack():\n{body}\nattempt(attack)", **options)


SUBMISSIONS = [
    # the network
    reach("net-connect", "socket.create_connection(('1.1.1.1', 53), 3); reached('1.1.1.1')"),
    reach(
        "net-local",
        """
        for port in (22, 80, 8888, 5432, 6379):
            attempt(lambda: (socket.create_connection(("127.0.0.1", port), 1), reached(port)))
    """,
    ),
    reach("net-names", "socket.getaddrinfo('example.org', 80); reached('names')"),
    reach("net-datagram", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('1.1.1.1', 53)); reached()"),
    reach("net-raw", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); reached('raw socket')"),
    reach("net-interfaces", "others = [n for _, n in socket.if_nameindex() if n != 'lo']\nif others: reached(others)"),
    reach(
        "net-unix-sockets",
        """
        for path in [*glob.glob("/run/**/*sock*", recursive=True), *glob.glob("/tmp/**/*sock*", recursive=True)]:
            attempt(lambda: (socket.socket(socket.AF_UNIX).connect(path), reached(path)))
    """,
    ),
    reach(
        "net-abstract-sockets",
        """
        for line in open("/proc/net/unix").read().splitlines()[1:]:
            if "@" in line:
                reached(line)
    """,
    ),
    reach(
        "net-pip", "subprocess.run([sys.executable, '-m', 'pip', 'download', 'six'], timeout=10, check=True); reached()"
    ),
    # files
    reach(
        "read-gradebook",
        """
        for root in ("/", "/home", "/root", "/work", "/tmp", "/var"):
            for depth in range(1, 6):
                for path in glob.glob(root + "/*" * depth + "/gradebook.db")[:3]:
                    reached(path)
    """,
    ),
    reach(
        "read-submissions",
        """
        for depth in range(1, 7):
            for path in glob.glob("/*" * depth + "/submitted")[:3]:
                reached(path)
    """,
    ),
    reach(
        "read-home",
        """
        for path in ("/root", "/home"):
            if os.path.isdir(path) and any(os.listdir(path)):
                for name in os.listdir(path):
                    if name.startswith(".") and not sys.base_prefix.startswith(f"{path}/{name}/"):
                        reached(path, name)
    """,
    ),
    reach(
        "read-secrets",
        """
        for path in ("/etc/shadow", "/etc/sudoers", "/root/.ssh", "/var/run/secrets", "/proc/1/environ"):
            attempt(lambda: (open(path).read(), path.startswith("/proc") or reached(path)))
    """,
    ),
    reach(
        "read-the-reference",
        """
        for root in sys.path + ["/work", "/opt", "/usr/lib", "/usr/local"]:
            for depth in range(1, 5):
                for path in glob.glob(root + "/*" * depth + "/reference/unet.py")[:2]:
                    reached(path)
    """,
    ),
    reach(
        "read-environment",
        """
        words = ("SEED", "TOKEN", "SECRET", "PASSWORD", "API")
        found = [n for n in os.environ if any(word in n for word in words) and n != "PYTHONHASHSEED"]
        if found: reached(found)
    """,
    ),
    reach(
        "read-commands",
        """
        mine = str(os.getpid())
        for process in [n for n in os.listdir("/proc") if n.isdigit() and n != mine]:
            text = open(f"/proc/{process}/cmdline").read()
            if "grade" in text or "submitted" in text:
                reached(text)
    """,
    ),
    reach(
        "read-memory-of-others",
        """
        for process in [n for n in os.listdir("/proc") if n.isdigit() and n != str(os.getpid())]:
            attempt(lambda: (open(f"/proc/{process}/mem", "rb"), reached(process)))
    """,
    ),
    reach(
        "read-open-files",
        """
        for name in os.listdir("/proc/self/fd"):
            target = os.readlink(f"/proc/self/fd/{name}")
            if "submitted" in target or "gradebook" in target or target.endswith(".ipynb"):
                reached(target)
    """,
    ),
    reach("read-kernel", "open('/dev/mem', 'rb'); reached('/dev/mem')"),
    reach(
        "read-disks", "for path in glob.glob('/dev/[svx]d*') + glob.glob('/dev/nvme*'): open(path, 'rb'); reached(path)"
    ),
    reach(
        "write-everywhere",
        """
        for root, folders, files in os.walk("/"):
            if root.startswith(("/proc", "/sys", "/tmp", "/dev")) or root.count("/") > 4:
                folders[:] = []
                continue
            attempt(lambda: (open(os.path.join(root, "left-by-a-learner"), "w"), reached(root)))
    """,
    ),
    reach(
        "write-to-packages",
        """
        import keras, numpy
        for module in (keras, numpy, os, sys.modules["autograder"]):
            attempt(lambda: (open(module.__file__, "a"), reached(module.__file__)))
    """,
    ),
    reach(
        "write-start-up-files",
        """
        mine = os.path.realpath(os.getcwd())  # its own folder, gone when it is graded
        for path in (path for path in sys.path if os.path.realpath(path) != mine):
            attempt(lambda: (open(os.path.join(path, "sitecustomize.py"), "w"), reached(path)))
    """,
    ),
    reach(
        "delete-everything",
        """
        subprocess.run("rm -rf /tmp/*", shell=True, timeout=20)
        for depth in range(1, 8):
            for path in glob.glob("/*" * depth + "/corpus-canary"):
                reached(path)
    """,
        less=True,
    ),
    reach(
        "change-rights",
        """
        for path in ("/", "/usr", "/etc", "/opt", sys.prefix, os.path.dirname(os.__file__)):
            attempt(lambda: (os.chmod(path, os.stat(path).st_mode), reached(path)))
            attempt(lambda: (os.chown(path, os.getuid(), -1), reached(path)))
    """,
    ),
    reach(
        "leave-a-message",
        "for place in ('/tmp', '/dev/shm', '/var/tmp', '/run'): attempt(lambda: open(place + '/to-the-next', 'w'))",
    ),
    reach(
        "look-for-a-message",
        """
        for place in ("/tmp", "/dev/shm", "/var/tmp", "/run"):
            if os.path.exists(place + "/to-the-next"):
                reached(place)
    """,
    ),
    reach(
        "shared-memory",
        """
        import multiprocessing.shared_memory as memory
        attempt(lambda: (memory.SharedMemory("to_the_next"), reached("shared memory")))
        attempt(lambda: memory.SharedMemory("to_the_next", create=True, size=10))
    """,
    ),
    # processes
    reach(
        "kill-the-parent",
        """
        parent = os.getppid()
        os.kill(parent, signal.SIGKILL) if parent > 0 else None
    """,
    ),
    reach("kill-everyone", "os.kill(-1, signal.SIGTERM)", less=True, status=("graded", "crashed")),
    reach(
        "kill-by-number",
        """
        for process in range(2, 40_000):
            if process != os.getpid():
                try:
                    os.kill(process, signal.SIGKILL)
                    reached(process)
                except OSError:
                    pass
    """,
    ),
    reach(
        "leave-a-daemon",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv("/bin/sleep", ["corpus-daemon", "3600"])
            os._exit(0)
    """,
    ),
    reach("leave-many-daemons", "for _ in range(20): subprocess.Popen(['sleep', '3600'], start_new_session=True)"),
    reach(
        "leave-a-job",
        "subprocess.run('echo x | at now; crontab -l; (setsid nohup sleep 3600 &)', shell=True, timeout=10)",
    ),
    reach(
        "trace-the-parent",
        """
        import ctypes
        if ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0:
            reached("ptrace")
    """,
    ),
    reach(
        "become-root",
        """
        attempt(lambda: (os.setuid(0), reached("uid 0")))
        attempt(lambda: (os.setgroups([0]), reached("group 0")))
        if os.geteuid() == 0: reached("root")
    """,
    ),
    reach("use-sudo", "subprocess.run(['sudo', '-n', 'id'], timeout=5, check=True); reached('sudo')"),
    reach(
        "mount-something",
        "subprocess.run(['mount', '-t', 'tmpfs', 'x', '/opt'], timeout=5, check=True); reached('mount')",
    ),
    reach("unshare-again", "subprocess.run(['unshare', '-Ur', 'id'], timeout=5, check=True); reached('unshare')"),
    reach("more-priority", "os.nice(-10); reached('nice')"),
    reach(
        "raise-limits",
        """
        import resource
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
            soft, hard = resource.getrlimit(kind)
            if hard != resource.RLIM_INFINITY:
                attempt(lambda: (resource.setrlimit(kind, (hard + 1, hard + 1)), reached(kind)))
    """,
    ),
    reach("set-the-clock", "time.clock_settime(time.CLOCK_REALTIME, time.time()); reached('clock')"),
    reach("set-the-host-name", "socket.sethostname(socket.gethostname()); reached('host name')"),
    reach(
        "write-to-groups",
        """
        for path in glob.glob("/sys/fs/cgroup/**/*.max", recursive=True)[:50]:
            attempt(lambda: (open(path, "w").write("max"), reached(path)))
    """,
    ),
    reach("load-a-module", "subprocess.run(['modprobe', 'dummy'], timeout=5, check=True); reached('module')"),
    reach(
        "grab-the-terminal",
        """
        import fcntl, termios
        fcntl.ioctl(open("/dev/tty", "w"), termios.TIOCSTI, b"x")
        reached("terminal")
    """,
    ),
]
