"""Who is graded: who handed in, who put a notebook at a wrong place, and who is enrolled and did neither."""

from autograder.classroom.course import Course, CourseError
from autograder.classroom.strays import misplaced_by_name


def roster(course: Course, name: str, wanted: list[str] | None = None) -> list[str]:
    """The students of a run, sorted.

    Args:
        course: the course directory.
        name: the exercise.
        wanted: the ids of those to grade; None takes everyone.

    Raises:
        CourseError: if nobody handed in, one of `wanted` is not known, or the gradebook cannot be used.
    """
    from autograder.classroom.gradebook import enrolled

    place = course.submitted("STUDENT", name)
    homes = course.homes(name)
    handed_in = set(course.students(name)) | {one for one in homes if misplaced_by_name(course, one, name)}
    if not handed_in:
        raise CourseError(f"There must be submissions at {place}. Received none{course.hint}")
    everyone = handed_in | enrolled(course)
    if missing := sorted(set(wanted or []) - everyone):
        raise CourseError(f"A student must have a directory {place} or be enrolled. Received: {', '.join(missing)}")
    return sorted(set(wanted)) if wanted else sorted(everyone)
