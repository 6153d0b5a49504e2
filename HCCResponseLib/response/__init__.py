"""What is known of a case: roles of images, quantities with their codes and units, measurements, response criteria."""
