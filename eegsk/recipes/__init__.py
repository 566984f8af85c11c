"""Complete settings, each a function that returns an estimator.

=============================== ==================================================================
recipe                          what it is for
=============================== ==================================================================
``motor_imagery``               imagined movements of one subject, of whom there are few trials
``motor_imagery_eegnet``        imagined movement of two hands from C3 and C4, with EEGNet
``motor_imagery_deep_conv_net`` the same with DeepConvNet
``reaction_time_regression``    one number for each trial, such as a reaction time
``multi_output_regression``     several numbers for each trial
``fine_grained_classification`` many classes, such as 80
=============================== ==================================================================

What comes back is an estimator as any other, in which every field can still be set. Further keyword
arguments of a recipe are fields, or parameters of its callbacks and transforms:
``reaction_time_regression(batch_size=16, callbacks__sam__rho=0.1)``.
"""

from .fine_grained import fine_grained_classification
from .motor_imagery import motor_imagery, motor_imagery_deep_conv_net, motor_imagery_eegnet
from .regression import multi_output_regression, reaction_time_regression

__all__ = [
    "fine_grained_classification",
    "motor_imagery",
    "motor_imagery_deep_conv_net",
    "motor_imagery_eegnet",
    "multi_output_regression",
    "reaction_time_regression",
]
