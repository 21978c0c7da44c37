"""What pictures were made of before the networks of paddle.vision.models saw them on ImageNet:
mean and deviation of red, green and blue, 0..1."""

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
