"""The finished dense model teaches later rounds through its outputs."""

from mmlth.engine.distillation.lessons import Lesson, lesson_for, lesson_of
from mmlth.engine.distillation.teaching import LOSS, teach, teacher_of

__all__ = ['LOSS', 'Lesson', 'lesson_for', 'lesson_of', 'teach', 'teacher_of']
