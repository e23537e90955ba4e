"""How far the outputs of a student are from those of its teacher, on the scale of the task's loss.

All are zero where both are alike, and pass gradients on to the student alone. T is the temperature
of Hinton et al. (2015, https://arxiv.org/abs/1503.02531): logits are divided by it, which softens
probabilities, and the loss is multiplied by T², so that gradients stay of one size.
"""

import torch
from mmengine.dist import all_reduce
from torch import Tensor
from torch.nn import functional


def heatmap_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """The mean squared difference, as in FPD (Zhang et al., 2019, https://arxiv.org/abs/1811.05419).

    No keypoint is left out: unlike annotations, a teacher says something of hidden ones.

    Args:
        student: Heatmaps (N, K, H, W).
        teacher: Those of the teacher.
    """
    return functional.mse_loss(student.float(), teacher.detach().float())


def bin_loss(
    student: Tensor,
    teacher: Tensor,
    temperature: float,
    beta: float = 1.0,
    weights: Tensor | None = None,
) -> Tensor:
    """The divergence KL(teacher ‖ student) of one axis of SimCC, of all keypoints.

    DWPose (Yang et al., 2023, https://arxiv.org/abs/2307.15880) does so. As in MMPose's
    ``KLDiscretLoss`` it is the mean over bins and keypoints, and the sum over images.

    Args:
        student: Logits (N, K, bins).
        teacher: Those of the teacher.
        temperature: T.
        beta: What the head's own loss multiplies logits by.
        weights: Those of the keypoints, (K,); 1 by default.
    """
    divergence = _divergence(student, teacher, beta / temperature)
    if weights is not None:
        divergence = divergence * weights.to(divergence)[:, None]
    return divergence.sum() / (student.shape[1] * student.shape[2]) * temperature**2


def region_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """The mean divergence KL(teacher ‖ student) of the classes of regions (Hinton et al., 2015).

    Of pixels, too, as in Liu et al. (2019, https://arxiv.org/abs/1903.04197): none is left out, for
    unlike labels a teacher says something of each.

    Args:
        student: Logits (regions, classes), the background being one.
        teacher: Those of the teacher for the same regions.
        temperature: T.
    """
    divergence = _divergence(student, teacher, 1 / temperature)
    return divergence.sum() / max(len(student), 1) * temperature**2


def dense_loss(student: Tensor, teacher: Tensor, temperature: float, exclusive: bool) -> Tensor:
    """The focal cross-entropy of the classes at all places of an image's maps.

    Nearly all places are background, of which plain cross-entropy would be the sum. So it is
    multiplied by the square of how far apart both probabilities are: for each class by itself that
    is the quality focal loss (Li et al., 2020, https://arxiv.org/abs/2006.04388) with the
    teacher's probability as the quality. It is a sum, divided as the heads' own losses by the
    number of objects' places, as the teacher sees them: the sum over places of the square of how
    sure it is of any object, the mean over processes, at least 1. Not squared, it would count the
    many places of background, of each of which a teacher is a little unsure.

    Args:
        student: Logits (places, classes).
        teacher: Those of the teacher.
        temperature: T.
        exclusive: Whether classes exclude each other (softmax), the last being the background,
            rather than being judged one by one (sigmoid). Then the distance is that of total
            variation, ½ Σ|p − q|, of which one class by itself is the case of two.
    """
    student, teacher = student.float() / temperature, teacher.detach().float() / temperature
    if exclusive:
        target, guess = teacher.softmax(-1), student.softmax(-1)
        entropy = -(target * student.log_softmax(-1)).sum(-1)
        distance = (target - guess).abs().sum(-1) / 2
        objectness = 1 - (teacher * temperature).softmax(-1)[:, -1]
    else:
        target, guess = teacher.sigmoid(), student.sigmoid()
        entropy = functional.binary_cross_entropy_with_logits(student, target, reduction='none')
        distance = (target - guess).abs()
        objectness = (teacher * temperature).sigmoid().amax(-1)
    number = objectness.square().sum()
    all_reduce(number, 'mean')
    return (distance**2 * entropy).sum() / number.clamp(min=1) * temperature**2


def joint_logits(classes: Tensor, objects: Tensor) -> Tensor:
    """The logits of the products of two probabilities that are given by their own logits.

    Heads that tell whether anything is at a place and which class it has score by the product.
    With p = σ(a) σ(b), logit(p) = −log(1/p − 1) = −log(e⁻ᵃ + e⁻ᵇ + e⁻ᵃ⁻ᵇ).

    Args:
        classes: Logits (places, classes).
        objects: Logits (places, 1).
    """
    classes, objects = torch.broadcast_tensors(classes.float(), objects.float())
    return -torch.stack([-classes, -objects, -classes - objects]).logsumexp(0)


def _divergence(student: Tensor, teacher: Tensor, factor: float) -> Tensor:
    """KL(teacher ‖ student) of softmax over the last dimension of logits × factor, by class."""
    guess = (student.float() * factor).log_softmax(-1)
    target = (teacher.detach().float() * factor).log_softmax(-1)
    return functional.kl_div(guess, target, reduction='none', log_target=True)
