"""Recipes: functions that return an estimator with suitable parameters for a task.

=============================== ==================================================================
Recipe                          Task
=============================== ==================================================================
``motor_imagery``               motor imagery of one subject with few trials
``cross_subject_motor_imagery`` motor imagery of new subjects, without their labels
``event_related_potential``     targets among other stimuli, e.g. P300
``motor_imagery_eegnet``        motor imagery of two hands from C3 and C4, with EEGNet
``motor_imagery_deep_conv_net`` motor imagery of two hands from C3 and C4, with DeepConvNet
``reaction_time_regression``    one number for each trial, e.g. a reaction time
``multi_output_regression``     several numbers for each trial
``fine_grained_classification`` many classes, e.g. 80
=============================== ==================================================================

All parameters of the network can be changed. A recipe accepts them as keyword arguments, including
those of callbacks and transforms, e.g.
``reaction_time_regression(batch_size=16, callbacks__sam__rho=0.1)``.
"""

from .cross_subject import cross_subject_motor_imagery
from .event_related import event_related_potential
from .fine_grained import fine_grained_classification
from .motor_imagery import motor_imagery, motor_imagery_deep_conv_net, motor_imagery_eegnet
from .regression import multi_output_regression, reaction_time_regression

__all__ = [
    "cross_subject_motor_imagery",
    "event_related_potential",
    "fine_grained_classification",
    "motor_imagery",
    "motor_imagery_deep_conv_net",
    "motor_imagery_eegnet",
    "multi_output_regression",
    "reaction_time_regression",
]
