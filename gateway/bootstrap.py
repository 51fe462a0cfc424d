"""The composition root: the one place that knows concrete classes, and puts the gateway together from settings."""



